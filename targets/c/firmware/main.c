/* The scenario on a part, from C: the host's bits, or a failure. */
#include "../tests/scenario.h"

void send(const char *text);

int main(void) {
    Found found = {0};
#ifdef CAN_PANIC
    found.right = southwell_example_that_can_panic(*(volatile uint32_t *)&found.heat_steps);
#endif
    if (!heat(&found)) return send("heat: refused, or not converged\n"), 1;
    if (!association(&found)) return send("association: refused, or not converged\n"), 1;
    if (!same(&found, &GOLDEN)) return send("NOT the host's bits\n"), 1;
    send("heat and association from C: the host's bits\n");
    return 0;
}
