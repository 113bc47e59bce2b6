/* What host and part must answer with the same bits; needs no C library. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "hash.h"
#include "southwell.h"

enum { SIDE = 16, CELLS = SIDE * SIDE, HEAT_STEPS = 24, TRACKS = 16 };

typedef struct {
    uint32_t heat_steps, association_steps, right;
    uint64_t heat, association;
} Found;

/* What it finds, everywhere. */
static const Found GOLDEN = {147, 12, 16, 0x2a40a6e3a73adedc, 0xe1e6f26f0f5f4c07};

/* Implicit heat steps on a grid, omega learned on the way. */
static int heat(Found *found) {
    static float u[CELLS], b[CELLS], work[6 * CELLS];
    static SouthwellOmega_f32 omega;
    const SouthwellStencil_f32 stencil = {sizeof stencil, SIDE, SIDE, 9, -2, -2, -2, -2};
    SouthwellReport_f32 report = {.size = sizeof report};
    if (southwell_omega_init_f32(&omega, 1.0f, 1.9f, 1, 0) != SOUTHWELL_CODE_OK) return 0;
    for (int i = 0; i < CELLS; i++) u[i] = (float)(i % 7);
    found->heat = HASH, found->heat_steps = 0;
    for (int step = 0; step < HEAT_STEPS; step++) {
        for (int i = 0; i < CELLS; i++) b[i] = u[i];
        SouthwellCode code =
            southwell_ssor_cg_stencil_f32(&stencil, b, u, 0, &omega, work, 6 * CELLS, &report, 0);
        if (code != SOUTHWELL_CODE_OK || report.status != SOUTHWELL_STATUS_CONVERGED) return 0;
        found->heat_steps += report.steps;
        found->heat = fnv(found->heat, u, CELLS);
    }
    return 1;
}

/* Which of sixteen detections belongs to which of sixteen tracks. */
static int association(Found *found) {
    static float cost[TRACKS * TRACKS], weights[TRACKS], f[TRACKS], g[TRACKS], work[3 * TRACKS], row[TRACKS];
    uint32_t state = 1;
    float tracks[TRACKS][2], seen[TRACKS][2];
    for (int i = 0; i < TRACKS; i++)
        for (int k = 0; k < 2; k++) {
            state = state * 1664525u + 1013904223u;
            tracks[i][k] = (float)(state >> 24) * (10.0f / 256);
            state = state * 1664525u + 1013904223u;
            seen[(i + 5) % TRACKS][k] = tracks[i][k] + (float)(state >> 24) * (0.5f / 256);
        }
    for (int i = 0; i < TRACKS; i++)
        for (int k = 0; k < TRACKS; k++) {
            float x = tracks[i][0] - seen[k][0], y = tracks[i][1] - seen[k][1], c = (x * x + y * y) / 16;
            cost[i * TRACKS + k] = c < 1 ? c : 1;
        }
    for (int i = 0; i < TRACKS; i++) weights[i] = 1, g[i] = 0, f[i] = 0;
    const SouthwellTransport_f32 problem = {sizeof problem, TRACKS, TRACKS, TRACKS, cost, weights, weights, 0.01f};
    SouthwellReport_f32 report = {.size = sizeof report};
    SouthwellOptions_f32 options = southwell_sinkhorn_options_f32();
    options.relative = 1e-3f;
    SouthwellCode code = southwell_sinkhorn_f32(&problem, f, g, &options, work, 3 * TRACKS, &report, 0);
    if (code != SOUTHWELL_CODE_OK || report.status != SOUTHWELL_STATUS_CONVERGED) return 0;
    found->association_steps = report.steps;
    found->association = fnv(fnv(HASH, f, TRACKS), g, TRACKS);
    found->right = 0;
    for (int i = 0; i < TRACKS; i++) {
        if (southwell_coupling_row_f32(&problem, i, f, g, row, 0) != SOUTHWELL_CODE_OK) return 0;
        int best = 0;
        for (int k = 1; k < TRACKS; k++)
            if (row[k] > row[best]) best = k;
        found->right += best == (i + 5) % TRACKS;
    }
    return 1;
}

static int same(const Found *one, const Found *other) {
    return one->heat_steps == other->heat_steps && one->association_steps == other->association_steps &&
           one->right == other->right && one->heat == other->heat && one->association == other->association;
}

#endif
