/* Right answers, every misuse that the interface promises to notice, and the bits that parts must find as well. */
#include "check.h"
#include "control.h"
#include "scenario.h"

int failures = 0;

static void same_bits(void) {
    Found found = {0};
    EXPECT(heat(&found) && association(&found));
    if (!same(&found, &GOLDEN))
        printf("found {%u, %u, %u, 0x%016llx, 0x%016llx}\n", found.heat_steps, found.association_steps, found.right,
               (unsigned long long)found.heat, (unsigned long long)found.association);
    EXPECT(same(&found, &GOLDEN) && found.right == TRACKS);
    Controlled controlled = {0};
    EXPECT(control_staged(&controlled) && control_prepared(&controlled) && calibrate(&controlled));
    if (!controlled_alike(&controlled, &GOLDEN_CONTROL))
        printf("found {%u, %u, %u, 0x%016llx, 0x%016llx, 0x%016llx}\n", controlled.staged_steps,
               controlled.prepared_steps, controlled.agreeing, (unsigned long long)controlled.staged,
               (unsigned long long)controlled.prepared, (unsigned long long)controlled.calibration);
    EXPECT(controlled_alike(&controlled, &GOLDEN_CONTROL));
}

int main(void) {
    linear();
    learned();
    transport();
    descent();
    nonsmooth();
    own();
    blocks();
    same_bits();
    for (int code = -1; code < 120; code++) EXPECT(southwell_code_text(code) && southwell_status_text(code));
    puts(failures ? "FAILED" : "every call did what the header says");
    return failures != 0;
}
