/* The scenario on a part, from C: the host's bits, or a failure. */
#include "../tests/control.h"
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
    Controlled controlled = {0};
    if (!control_staged(&controlled)) return send("control in stages: refused, or not converged\n"), 1;
    if (!control_prepared(&controlled)) return send("prepared control: refused, or not converged\n"), 1;
    if (!calibrate(&controlled)) return send("calibration: refused, or wrong\n"), 1;
    if (!controlled_alike(&controlled, &GOLDEN_CONTROL)) return send("control: NOT the host's bits\n"), 1;
    send("heat, association, control and calibration from C: the host's bits\n");
    return 0;
}
