/* Robust fits, calibration and recovery: right answers and misuse. */
#include "check.h"

/* A line through five points, one of which lies: y = 1 + 2 t. */
static void line(void) {
    enum { ROWS = 5, COLUMNS = 2 };
    double rows[] = {1, 0, 1, 1, 1, 2, 1, 3, 1, 4}, y[ROWS] = {1, 3, 50, 7, 9}, weights[ROWS] = {1, 1, 1, 1, 1};
    double x[COLUMNS] = {0}, work[128];
    uint32_t indices[16];
    SouthwellFit_f64 problem = {sizeof problem, ROWS, COLUMNS, rows, y, NULL, 0.5, 1};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellFitFound_f64 found = {.size = sizeof found};
    SouthwellFault fault;
    size_t len = southwell_fit_workspace(ROWS, COLUMNS, 1), count = southwell_fit_indices(COLUMNS);
    EXPECT(len <= 128 && count <= 16 && southwell_fit_certify_workspace(COLUMNS) <= 128);
#define FIT(p, b, l, i, c) southwell_fit_f64(p, b, NULL, work, l, i, c, &report, &found, &fault)
    EXPECT(FIT(&problem, x, len, indices, count) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_OPTIMAL);
    EXPECT(fabs(x[0] - 1) < 1e-12 && fabs(x[1] - 2) < 1e-12 && found.optimal == 1);
    EXPECT(fabs(found.value - 22.5) < 1e-12 && found.lower_bound <= found.value);
    double near[COLUMNS] = {1.01, 1.99};
    EXPECT(southwell_fit_certify_f64(&problem, near, work, 128, indices, count, &found, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(found.optimal == 1 && fabs(near[0] - 1) < 1e-12 && fabs(near[1] - 2) < 1e-12);

    REFUSED(SOUTHWELL_CODE_NULL, FIT(NULL, x, len, indices, count));
    REFUSED(SOUTHWELL_CODE_NULL, FIT(&problem, NULL, len, indices, count));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, FIT(&problem, x, len - 1, indices, count));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, FIT(&problem, x, len, indices, count - 1));
    REFUSED(SOUTHWELL_CODE_NULL, FIT(&problem, x, len, NULL, count));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, FIT(&problem, ASKEW(near), len, indices, count));
    REFUSED(SOUTHWELL_CODE_OVERLAP, FIT(&problem, rows, len, indices, count));
    problem.quantile = 1;
    REFUSED(SOUTHWELL_CODE_OPTION, FIT(&problem, x, len, indices, count));
    problem.quantile = 0.5, problem.weights = weights, weights[3] = -1;
    REFUSED(SOUTHWELL_CODE_NEGATIVE, FIT(&problem, x, len, indices, count));
    EXPECT(fault.index == 3);
    memset(weights, 0, sizeof weights);
    REFUSED(SOUTHWELL_CODE_MASS, FIT(&problem, x, len, indices, count));
    problem.weights = NULL, y[2] = NAN;
    REFUSED(SOUTHWELL_CODE_VALUE, FIT(&problem, x, len, indices, count));
    EXPECT(BLAMES("y") && fault.index == 2);
    y[2] = 50, problem.columns = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, FIT(&problem, x, len, indices, count));
    problem.columns = COLUMNS, found.size = 1;
    REFUSED(SOUTHWELL_CODE_SIZE, FIT(&problem, x, len, indices, count));
}

static void magnetometer(void) {
    enum { SAMPLES = 30 };
    double values[3 * SAMPLES], work[36], x[1] = {0};
    for (int i = 0; i < SAMPLES; i++) {
        const double z = (i + 0.5) * 2 / SAMPLES - 1, r = sqrt(1 - z * z);
        values[3 * i] = 3 + 40 * r * cos(2.4 * i), values[3 * i + 1] = 50 * r * sin(2.4 * i) - 7;
        values[3 * i + 2] = 60 * z + (i % 5 == 0 ? 90 : 0);
    }
    SouthwellSamples_f64 samples = {sizeof samples, SAMPLES, values, 1};
    SouthwellCalibration_f64 found = {.size = sizeof found};
    SouthwellFault fault;
#define CALIBRATE(s, w, l, c) southwell_calibrate_f64(s, NULL, w, l, c, NULL, &fault)
    EXPECT(southwell_calibrate_workspace() == 36);
    EXPECT(CALIBRATE(&samples, work, 36, &found) == SOUTHWELL_CODE_OK);
    EXPECT(fabs(found.offset[0] - 3) < 0.05 && fabs(found.offset[1] + 7) < 0.05 && fabs(found.offset[2]) < 0.05);
    EXPECT(fabs(found.soft_iron[0][0] - 40) < 0.1 && fabs(found.soft_iron[2][2] - 60) < 0.1);
    EXPECT(fabs(found.correction[1][1] - 0.02) < 1e-4 && found.agreeing >= SAMPLES * 4 / 5);
    REFUSED(SOUTHWELL_CODE_NULL, CALIBRATE(NULL, work, 36, &found));
    REFUSED(SOUTHWELL_CODE_NULL, CALIBRATE(&samples, NULL, 36, &found));
    REFUSED(SOUTHWELL_CODE_NULL, CALIBRATE(&samples, work, 36, NULL));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, CALIBRATE(&samples, work, 35, &found));
    REFUSED(SOUTHWELL_CODE_OVERLAP, CALIBRATE(&samples, values, 36, &found));
    samples.field = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, CALIBRATE(&samples, work, 36, &found));
    samples.field = 1, samples.count = 8;
    REFUSED(SOUTHWELL_CODE_OPTION, CALIBRATE(&samples, work, 36, &found));
    samples.count = SAMPLES, values[4] = NAN;
    REFUSED(SOUTHWELL_CODE_VALUE, CALIBRATE(&samples, work, 36, &found));
    EXPECT(fault.index == 4);
    values[4] = 0, found.size = 0;
    REFUSED(SOUTHWELL_CODE_SIZE, CALIBRATE(&samples, work, 36, &found));
}

/* X = u u', 6 x 6, of which two entries are nonsense. */
static void entries(void) {
    enum { ORDER = 6, COUNT = ORDER * ORDER };
    const double u[ORDER] = {1, -2, 0.5, 3, -1, 1.5};
    double y[COUNT], a[COUNT * COUNT] = {0}, x[ORDER], work[1024];
    uint32_t row_of[COUNT], column_of[COUNT];
    for (int i = 0; i < COUNT; i++) {
        row_of[i] = (uint32_t)(i / ORDER), column_of[i] = (uint32_t)(i % ORDER);
        y[i] = u[row_of[i]] * u[column_of[i]], a[i * COUNT + i] = 1;
    }
    y[3] += 100, y[22] -= 50;
    SouthwellMeasurements_f64 all = {sizeof all, COUNT, ORDER, ORDER, 1, 1, y, a, NULL, row_of, column_of};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellRecoveryFound_f64 found = {.size = sizeof found};
    SouthwellRecoveryStart_f64 start = southwell_recovery_start_f64();
    SouthwellFault fault;
    EXPECT(southwell_recovery_unknowns(ORDER, ORDER, 1, 1) == ORDER);
    size_t len = southwell_recovery_entries_workspace(ORDER, ORDER, 1, 1);
    EXPECT(len <= 1024 && southwell_recovery_dense_workspace(ORDER, ORDER, 1, 1) <= 1024);
#define RECOVER(m, s, x_, l) southwell_recover_entries_f64(m, s, x_, NULL, work, l, &report, &found, &fault)
    EXPECT(RECOVER(&all, NULL, x, len) == SOUTHWELL_CODE_OK && found.rank == 1);
    for (int i = 0; i < COUNT; i++)
        EXPECT(fabs(x[row_of[i]] * x[column_of[i]] - u[row_of[i]] * u[column_of[i]]) < 1e-4);
    EXPECT(fabs(found.value - 150.0 / COUNT) < 1e-4);
    EXPECT(southwell_recover_dense_f64(&all, &start, x, NULL, work, 1024, &report, &found, NULL) == SOUTHWELL_CODE_OK);
    for (int i = 0; i < COUNT; i++)
        EXPECT(fabs(x[row_of[i]] * x[column_of[i]] - u[row_of[i]] * u[column_of[i]]) < 1e-4);

    REFUSED(SOUTHWELL_CODE_NULL, RECOVER(NULL, NULL, x, len));
    REFUSED(SOUTHWELL_CODE_NULL, RECOVER(&all, NULL, NULL, len));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, RECOVER(&all, NULL, x, len - 1));
    REFUSED(SOUTHWELL_CODE_OVERLAP, RECOVER(&all, NULL, y, len));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, RECOVER(&all, ASKEW(&start), x, len));
    start.alpha = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, RECOVER(&all, &start, x, len));
    start.size = 0;
    REFUSED(SOUTHWELL_CODE_SIZE, RECOVER(&all, &start, x, len));
    all.rank = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, RECOVER(&all, NULL, x, len));
    all.rank = 1, row_of[7] = ORDER;
    REFUSED(SOUTHWELL_CODE_STRUCTURE, RECOVER(&all, NULL, x, len));
    EXPECT(fault.index == 7);
    row_of[7] = 1, y[5] = INFINITY;
    REFUSED(SOUTHWELL_CODE_VALUE, RECOVER(&all, NULL, x, len));
    y[5] = u[0] * u[5], all.count = SIZE_MAX / 2;
    REFUSED(SOUTHWELL_CODE_TOO_LONG, RECOVER(&all, NULL, x, len));
    all.count = COUNT, all.b = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, southwell_recover_bilinear_f64(&all, NULL, x, NULL, work, 1024, NULL, NULL, &fault));
    EXPECT(BLAMES("b"));
}

/* Products a'X b of a 4 x 3 matrix of rank one, a sixth of them nonsense; and squares (a'u)^2. */
static void products(void) {
    enum { ROWS = 4, COLUMNS = 3, COUNT = 60 };
    const double u[ROWS] = {1, -1, 2, 0.5}, v[COLUMNS] = {2, 1, -1};
    static double a[COUNT * ROWS], b[COUNT * COLUMNS], y[COUNT], x[ROWS + COLUMNS], work[256];
    uint32_t state = 7;
    for (int i = 0; i < COUNT * ROWS; i++) state = state * 1664525u + 1013904223u, a[i] = (state >> 8) / 8388608.0 - 1;
    for (int i = 0; i < COUNT * COLUMNS; i++) state = state * 1664525u + 1013904223u, b[i] = (state >> 8) / 8388608.0 - 1;
    for (int i = 0; i < COUNT; i++) {
        double left = 0, right = 0;
        for (int k = 0; k < ROWS; k++) left += a[i * ROWS + k] * u[k];
        for (int k = 0; k < COLUMNS; k++) right += b[i * COLUMNS + k] * v[k];
        y[i] = left * right + (i % 6 == 0 ? 40 : 0);
    }
    SouthwellMeasurements_f64 all = {sizeof all, COUNT, ROWS, COLUMNS, 1, 0, y, a, b, NULL, NULL};
    SouthwellRecoveryFound_f64 found = {.size = sizeof found};
    EXPECT(southwell_recovery_bilinear_workspace(ROWS, COLUMNS, 1, 0) <= 256);
    EXPECT(southwell_recover_bilinear_f64(&all, NULL, x, NULL, work, 256, NULL, &found, NULL) == SOUTHWELL_CODE_OK);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < COLUMNS; k++) EXPECT(fabs(x[i] * x[ROWS + k] - u[i] * v[k]) < 1e-3);
    for (int i = 0; i < COUNT; i++) {
        double left = 0;
        for (int k = 0; k < ROWS; k++) left += a[i * ROWS + k] * u[k];
        y[i] = left * left;
    }
    all.columns = ROWS, all.symmetric = 1;
    EXPECT(southwell_recovery_rank_one_workspace(ROWS, ROWS, 1, 1) <= 256);
    EXPECT(southwell_recover_rank_one_f64(&all, NULL, x, NULL, work, 256, NULL, &found, NULL) == SOUTHWELL_CODE_OK);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < ROWS; k++) EXPECT(fabs(x[i] * x[k] - u[i] * u[k]) < 1e-3);
}

void nonsmooth(void) {
    line();
    magnetometer();
    entries();
    products();
}
