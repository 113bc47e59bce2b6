/* A cold step and seven warm ones by OSQP's generated code: f = F x0, new f, solve. */
#include "count.h"
#include "osqp.h"
#include "problem.h"
#include "workspace.h"
#include <stdio.h>
#include <string.h>

int main(void) {
    static float f[VARIABLES], x[VARIABLES], y[VARIABLES];
    for (int step = 0; step < STEPS; step++) {
        if (step == 0) {
            osqp_cold_start(&SOLVER);
        } else { /* where a controller begins: shifted by a stage; not counted, as it is not for the others */
            memcpy(x, SOLVER.solution->x, sizeof x);
            memcpy(y, SOLVER.solution->y, sizeof y);
            memmove(x, x + INPUTS, sizeof x - INPUTS * sizeof *x);
            memmove(y, y + INPUTS, sizeof y - INPUTS * sizeof *y);
            osqp_warm_start(&SOLVER, x, y);
        }
        count_begin();
        for (int i = 0; i < VARIABLES; i++) {
            float sum = 0;
            for (int j = 0; j < NX; j++) sum += EFFECTS[i][j] * START[step][j];
            f[i] = sum;
        }
        osqp_update_data_vec(&SOLVER, f, 0, 0);
        osqp_solve(&SOLVER);
        uint32_t count = count_end();
        printf("step %lu %d", (unsigned long)count, (int)SOLVER.info->iter);
        for (int i = 0; i < VARIABLES; i++) {
            uint32_t bits;
            memcpy(&bits, &SOLVER.solution->x[i], sizeof bits);
            printf(" %08lx", (unsigned long)bits);
        }
        puts("");
    }
    return 0;
}
