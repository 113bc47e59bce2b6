// A cold step and seven warm ones by TinyMPC in single precision, its cache made beforehand.
#include "count.h"
#include "problem.h"
#include "tinympc/tiny_api.hpp"
#include <cstdio>
#include <cstring>

static tinyMatrix matrix(const float *from, int rows, int columns) {
    tinyMatrix to(rows, columns);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) to(i, j) = from[i * columns + j];
    return to;
}

int main() {
    TinySolver *solver;
    // The cache adds RHO once more than the iteration does: what is left of both is the problem's own Q and R.
    tinyMatrix q = matrix(&Q[0][0], NX, NX) - RHO * tinyMatrix::Identity(NX, NX);
    tinyMatrix r = matrix(&R[0][0], INPUTS, INPUTS) - RHO * tinyMatrix::Identity(INPUTS, INPUTS);
    if (tiny_setup(&solver, matrix(&A[0][0], NX, NX), matrix(&B[0][0], NX, INPUTS),
                   tinyMatrix::Zero(NX, 1), q, r, RHO, NX, INPUTS, STAGES + 1, 0))
        return 1;
    tinyMatrix wide = tinyMatrix::Constant(NX, STAGES + 1, 1e17f), u = tinyMatrix::Constant(INPUTS, STAGES, BOUND);
    tiny_set_bound_constraints(solver, -wide, wide, -u, u);
    tiny_update_settings(solver->settings, TOLERANCE, TOLERANCE, 2000, 1, 0, 1, 0, 0, 0, 0);
    solver->settings->adaptive_rho = 0;
    printf("last");
    for (int i = 0; i < NX; i++)
        for (int j = 0; j < NX; j++) {
            float p = solver->cache->Pinf(i, j) - (i == j ? RHO : 0.0f);
            uint32_t bits;
            memcpy(&bits, &p, sizeof bits);
            printf(" %08lx", (unsigned long)bits);
        }
    puts("");
    for (int step = 0; step < STEPS; step++) {
        tinyVector x0(NX);
        for (int i = 0; i < NX; i++) x0(i) = START[step][i];
        count_begin();
        tiny_set_x0(solver, x0);
        tiny_solve(solver);
        uint32_t count = count_end();
        printf("step %lu %d", (unsigned long)count, solver->solution->solved ? solver->solution->iter : -1);
        for (int k = 0; k < STAGES; k++)
            for (int i = 0; i < INPUTS; i++) {
                uint32_t bits;
                float value = solver->solution->u(i, k);
                memcpy(&bits, &value, sizeof bits);
                printf(" %08lx", (unsigned long)bits);
            }
        puts("");
    }
    return 0;
}
