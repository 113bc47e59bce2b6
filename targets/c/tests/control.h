/* Control and calibration that host and part must answer with the same bits; needs no C library. */
#ifndef CONTROL_H
#define CONTROL_H

#include "hash.h"
#include "southwell.h"

enum { STATES = 2, STAGES = 10, TICKS = 8, SAMPLES = 60 };

typedef struct {
    uint32_t staged_steps, prepared_steps, agreeing;
    uint64_t staged, prepared, calibration;
} Controlled;

/* What it finds, everywhere. */
static const Controlled GOLDEN_CONTROL = {11, 11, 45, 0xd6a1dd76a6d87d2e, 0x2bcbb782782434ac, 0xe3cf3a59026e2294};

/* A cart: position and velocity, ten steps of 0.1 s, a force between -1 and 1. */
static const float cart_a[] = {1, 0.1f, 0, 1}, cart_b[] = {0.005f, 0.1f};
static const float cart_q[] = {1, 0, 0, 0.1f}, cart_r[] = {0.01f};

/* The plant as the model says. */
static void move(float x[STATES], float u) {
    const float position = cart_a[0] * x[0] + cart_a[1] * x[1] + cart_b[0] * u;
    const float velocity = cart_a[2] * x[0] + cart_a[3] * x[1] + cart_b[1] * u;
    x[0] = position, x[1] = velocity;
}

/* The cart with the cost of an endless horizon behind the last stage. */
static int cart(SouthwellPlant_f32 *plant, float p[STATES * STATES]) {
    static float work[64];
    const SouthwellPlant_f32 all = {sizeof all, STATES, 1, STAGES, cart_a, cart_b, cart_q, cart_r, p};
    *plant = all;
    SouthwellReport_f32 report = {.size = sizeof report};
    return southwell_box_qp_terminal_workspace(STATES, 1) <= 64 &&
           southwell_box_qp_terminal_f32(plant, p, 0, work, 64, &report, 0) == SOUTHWELL_CODE_OK &&
           report.status == SOUTHWELL_STATUS_CONVERGED;
}

/* In stages: nothing is prepared. */
static int control_staged(Controlled *found) {
    static float p[STATES * STATES], u[STAGES], lower[STAGES], upper[STAGES], work[256];
    float x[STATES] = {0.3f, 0.1f};
    SouthwellPlant_f32 plant;
    SouthwellReport_f32 report = {.size = sizeof report};
    if (!cart(&plant, p) || southwell_box_qp_staged_workspace(STATES, 1, STAGES) > 256) return 0;
    for (int k = 0; k < STAGES; k++) lower[k] = -1, upper[k] = 1, u[k] = 0;
    found->staged = HASH, found->staged_steps = 0;
    for (int tick = 0; tick < TICKS; tick++) {
        const SouthwellControl_f32 control = {sizeof control, &plant, x, lower, upper};
        SouthwellCode code = southwell_box_qp_staged_f32(&control, u, 0, work, 256, &report, 0, 0);
        if (code != SOUTHWELL_CODE_OK || report.status != SOUTHWELL_STATUS_CONVERGED) return 0;
        found->staged_steps += report.steps;
        found->staged = fnv(found->staged, u, STAGES);
        move(x, u[0]);
        if (southwell_box_qp_shift_f32(u, STAGES, 1, 0) != SOUTHWELL_CODE_OK) return 0;
    }
    return 1;
}

/* Condensed, H inverted beforehand; f is linear in the state. */
static int control_prepared(Controlled *found) {
    enum { SQUARE = STAGES * STAGES };
    static float p[STATES * STATES], h[SQUARE], inverse[SQUARE], work[2 * SQUARE], effects[STATES][STAGES];
    static float u[STAGES], f[STAGES], lower[STAGES], upper[STAGES];
    float x[STATES] = {0.3f, 0.1f};
    SouthwellPlant_f32 plant;
    SouthwellReport_f32 report = {.size = sizeof report};
    if (!cart(&plant, p) || southwell_box_qp_condense_workspace(STATES, 1, STAGES) > 2 * SQUARE ||
        southwell_box_qp_prepared_workspace(STAGES) > 2 * SQUARE)
        return 0;
    for (int i = 0; i < STATES; i++) {
        const float unit[STATES] = {i == 0, i == 1};
        if (southwell_box_qp_condense_f32(&plant, unit, h, effects[i], work, 2 * SQUARE, 0) != SOUTHWELL_CODE_OK)
            return 0;
    }
    if (southwell_box_qp_invert_f32(h, STAGES, inverse, work, SQUARE, 0) != SOUTHWELL_CODE_OK) return 0;
    for (int k = 0; k < STAGES; k++) lower[k] = -1, upper[k] = 1, u[k] = 0;
    const SouthwellBoxQp_f32 problem = {sizeof problem, STAGES, h, inverse, f, lower, upper};
    found->prepared = HASH, found->prepared_steps = 0;
    for (int tick = 0; tick < TICKS; tick++) {
        for (int k = 0; k < STAGES; k++) f[k] = effects[0][k] * x[0] + effects[1][k] * x[1];
        SouthwellCode code = southwell_box_qp_prepared_f32(&problem, u, 0, work, 2 * SQUARE, &report, 0, 0);
        if (code != SOUTHWELL_CODE_OK || report.status != SOUTHWELL_STATUS_CONVERGED) return 0;
        found->prepared_steps += report.steps;
        found->prepared = fnv(found->prepared, u, STAGES);
        move(x, u[0]);
        if (southwell_box_qp_shift_f32(u, STAGES, 1, 0) != SOUTHWELL_CODE_OK) return 0;
    }
    return 1;
}

/* A magnetometer: an ellipsoid off the origin, every fourth sample with a spike. */
static int calibrate(Controlled *found) {
    static float values[3 * SAMPLES], work[36];
    static SouthwellCalibration_f32 calibration;
    uint32_t state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        float v[3], square;
        do {
            square = 0;
            for (int k = 0; k < 3; k++) {
                state = state * 1664525u + 1013904223u;
                v[k] = (float)(state >> 16) * (2.0f / 65536) - 1;
                square += v[k] * v[k];
            }
        } while (square > 1 || square < 0.25f);
        /* Newton's square root: the same on every machine. */
        float root = 1;
        for (int k = 0; k < 8; k++) root = (root + square / root) * 0.5f;
        values[3 * i] = 20 + 55 * v[0] / root, values[3 * i + 1] = 50 * v[1] / root - 10;
        values[3 * i + 2] = 45 * v[2] / root + 5 + (i % 4 != 0 ? 0 : i % 8 == 0 ? 150 : -120);
    }
    const SouthwellSamples_f32 samples = {sizeof samples, SAMPLES, values, 50};
    SouthwellReport_f32 report = {.size = sizeof report};
    calibration.size = sizeof calibration;
    if (southwell_calibrate_workspace() > 36 ||
        southwell_calibrate_f32(&samples, 0, work, 36, &calibration, &report, 0) != SOUTHWELL_CODE_OK)
        return 0;
    found->agreeing = (uint32_t)calibration.agreeing;
    found->calibration = fnv(fnv(HASH, calibration.offset, 3), calibration.correction[0], 9);
    for (int k = 0; k < 3; k++) {
        const float off = calibration.offset[k] - (k == 0 ? 20.0f : k == 1 ? -10.0f : 5.0f);
        if (!(off < 0.1f && off > -0.1f)) return 0;
    }
    return found->agreeing >= SAMPLES * 3 / 4;
}

static int controlled_alike(const Controlled *one, const Controlled *other) {
    return one->staged_steps == other->staged_steps && one->prepared_steps == other->prepared_steps &&
           one->agreeing == other->agreeing && one->staged == other->staged && one->prepared == other->prepared &&
           one->calibration == other->calibration;
}

#endif
