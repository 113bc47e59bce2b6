/* Programs in a box, control and sparse regression: right answers and misuse. */
#include "check.h"

/* min x^2 + x y + y^2 - 4 x - 5 y with x <= 1/2: at (1/2, 9/4), -109/16. */
static void box(void) {
    enum { N = 2 };
    double h[N * N] = {2, 1, 1, 2}, f[N] = {-4, -5}, lower[N] = {0, 0}, upper[N] = {0.5, INFINITY};
    double inverse[N * N], work[64], x[N] = {9, 9}, y[N] = {0};
    SouthwellBoxQp_f64 problem = {sizeof problem, N, h, NULL, f, lower, upper};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellBoxFound_f64 found = {.size = sizeof found};
    SouthwellFault fault;
    size_t len = southwell_box_qp_condensed_workspace(N), prepared = southwell_box_qp_prepared_workspace(N);
    EXPECT(len <= prepared && prepared <= 64);
#define SOLVE(p, x_, o, w, l, r, s) southwell_box_qp_condensed_f64(p, x_, o, w, l, r, s, &fault)
    EXPECT(SOLVE(&problem, x, NULL, work, len, &report, &found) == SOUTHWELL_CODE_OK);
    EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED && x[0] == 0.5 && fabs(x[1] - 2.25) < 1e-14);
    EXPECT(fabs(found.objective + 109.0 / 16) < 1e-14 && found.at_upper == 1 && found.at_lower == 0 && !found.fell_back);
    EXPECT(southwell_box_qp_invert_f64(h, N, inverse, work, N * N, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(fabs(inverse[0] - 2.0 / 3) < 1e-15 && fabs(inverse[1] + 1.0 / 3) < 1e-15);
    problem.inverse = inverse;
    EXPECT(southwell_box_qp_prepared_f64(&problem, y, NULL, work, prepared, &report, NULL, NULL) == SOUTHWELL_CODE_OK);
    EXPECT(y[0] == 0.5 && fabs(y[1] - 2.25) < 1e-14);

    const double saddle[N * N] = {1, 2, 2, 1};
    EXPECT(southwell_box_qp_invert_f64(saddle, N, inverse, work, N * N, &fault) == SOUTHWELL_CODE_INDEFINITE && BLAMES("h"));
    problem.h = saddle;
    EXPECT(SOLVE(&problem, y, NULL, work, len, &report, NULL) == SOUTHWELL_CODE_OK);
    EXPECT(report.status == SOUTHWELL_STATUS_BREAKDOWN);
    problem.h = h;

    REFUSED(SOUTHWELL_CODE_NULL, SOLVE(NULL, x, NULL, work, len, &report, &found));
    REFUSED(SOUTHWELL_CODE_NULL, SOLVE(&problem, NULL, NULL, work, len, &report, &found));
    REFUSED(SOUTHWELL_CODE_NULL, SOLVE(&problem, x, NULL, NULL, len, &report, &found));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, SOLVE(&problem, x, NULL, work, len - 1, &report, &found));
    EXPECT(fault.given == len - 1 && fault.needed == len);
    REFUSED(SOUTHWELL_CODE_TOO_LONG, SOLVE(&problem, x, NULL, work, SIZE_MAX / 4, &report, &found));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, SOLVE(&problem, ASKEW(y), NULL, work, len, &report, &found));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, SOLVE(ASKEW(&problem), x, NULL, work, len, &report, &found));
    REFUSED(SOUTHWELL_CODE_OVERLAP, SOLVE(&problem, f, NULL, work, len, &report, &found));
    REFUSED(SOUTHWELL_CODE_OVERLAP, SOLVE(&problem, work + 1, NULL, work, len, &report, &found));
    found.size = 8;
    REFUSED(SOUTHWELL_CODE_SIZE, SOLVE(&problem, x, NULL, work, len, &report, &found));
    EXPECT(BLAMES("found"));
    SouthwellOptions_f64 options = southwell_box_qp_options_f64();
    options.absolute = -1;
    REFUSED(SOUTHWELL_CODE_OPTION, SOLVE(&problem, x, &options, work, len, &report, NULL));
    upper[1] = -1;
    REFUSED(SOUTHWELL_CODE_BOUNDS, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    EXPECT(fault.index == 1);
    upper[1] = NAN;
    REFUSED(SOUTHWELL_CODE_VALUE, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    upper[1] = 5, f[1] = NAN;
    REFUSED(SOUTHWELL_CODE_VALUE, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    EXPECT(BLAMES("f") && fault.index == 1);
    f[1] = -5, h[1] = 7;
    REFUSED(SOUTHWELL_CODE_ASYMMETRIC, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    h[1] = 1, h[3] = 0;
    REFUSED(SOUTHWELL_CODE_DIAGONAL, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    h[3] = 2, problem.upper = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    problem.upper = upper, problem.variables = SIZE_MAX / 2;
    REFUSED(SOUTHWELL_CODE_TOO_LONG, SOLVE(&problem, x, NULL, work, len, &report, NULL));
    problem.variables = N, problem.inverse = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, southwell_box_qp_prepared_f64(&problem, x, NULL, work, prepared, NULL, NULL, &fault));
    EXPECT(BLAMES("inverse"));
}

/* A cart comes to rest, in stages and condensed alike. */
static void control(void) {
    enum { STATES = 2, STAGES = 10 };
    const double a[] = {1, 0.1, 0, 1}, b[] = {0.005, 0.1}, q[] = {1, 0, 0, 0.1}, r[] = {0.01};
    double p[4], u[STAGES] = {0}, v[STAGES], state[STATES] = {2, 0}, lower[STAGES], upper[STAGES];
    double h[STAGES * STAGES], f[STAGES], work[512];
    for (int k = 0; k < STAGES; k++) lower[k] = -1, upper[k] = 1;
    SouthwellPlant_f64 plant = {sizeof plant, STATES, 1, STAGES, a, b, q, r, p};
    SouthwellControl_f64 problem = {sizeof problem, &plant, state, lower, upper};
    SouthwellBoxQp_f64 condensed = {sizeof condensed, STAGES, h, NULL, f, lower, upper};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellFault fault;
    size_t len = southwell_box_qp_staged_workspace(STATES, 1, STAGES);
    EXPECT(len <= 512 && southwell_box_qp_condense_workspace(STATES, 1, STAGES) <= 512);
    EXPECT(southwell_box_qp_terminal_f64(&plant, p, NULL, work, 512, &report, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED && p[0] > 1 && fabs(p[1] - p[2]) < 1e-9);
    for (int tick = 0; tick < 80; tick++) {
        EXPECT(southwell_box_qp_condense_f64(&plant, state, h, f, work, 512, &fault) == SOUTHWELL_CODE_OK);
        memcpy(v, u, sizeof v);
        EXPECT(southwell_box_qp_condensed_f64(&condensed, v, NULL, work, 512, NULL, NULL, &fault) == SOUTHWELL_CODE_OK);
        EXPECT(southwell_box_qp_staged_f64(&problem, u, NULL, work, len, &report, NULL, &fault) == SOUTHWELL_CODE_OK);
        EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED);
        for (int k = 0; k < STAGES; k++) EXPECT(fabs(u[k]) <= 1 && fabs(u[k] - v[k]) < 1e-9);
        const double position = state[0] + 0.1 * state[1] + 0.005 * u[0];
        state[1] += 0.1 * u[0], state[0] = position;
        EXPECT(southwell_box_qp_shift_f64(u, STAGES, 1, NULL) == SOUTHWELL_CODE_OK);
    }
    EXPECT(fabs(state[0]) < 1e-2 && fabs(state[1]) < 1e-2);

    double x[STAGES] = {0};
#define STAGED(c) southwell_box_qp_staged_f64(c, x, NULL, work, len, &report, NULL, &fault)
    REFUSED(SOUTHWELL_CODE_NULL, STAGED(NULL));
    problem.plant = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, STAGED(&problem));
    EXPECT(BLAMES("plant"));
    problem.plant = &plant, problem.x0 = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, STAGED(&problem));
    problem.x0 = state, plant.horizon = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, STAGED(&problem));
    plant.horizon = SIZE_MAX / 2;
    REFUSED(SOUTHWELL_CODE_TOO_LONG, STAGED(&problem));
    plant.horizon = STAGES + 1;
    REFUSED(SOUTHWELL_CODE_WORKSPACE, (problem.lower = problem.upper = work + 256,
                                       southwell_box_qp_staged_f64(&problem, v, NULL, work, 7, NULL, NULL, &fault)));
    plant.horizon = STAGES, problem.lower = lower, problem.upper = upper, plant.size = 3;
    REFUSED(SOUTHWELL_CODE_SIZE, STAGED(&problem));
    plant.size = sizeof plant, state[1] = INFINITY;
    REFUSED(SOUTHWELL_CODE_VALUE, STAGED(&problem));
    EXPECT(BLAMES("x0") && fault.index == 1);
    REFUSED(SOUTHWELL_CODE_WORKSPACE, southwell_box_qp_terminal_f64(&plant, p, NULL, work, 3, &report, &fault));
    REFUSED(SOUTHWELL_CODE_OVERLAP, southwell_box_qp_terminal_f64(&plant, work, NULL, work, 512, &report, &fault));
    REFUSED(SOUTHWELL_CODE_NULL, southwell_box_qp_condense_f64(&plant, lower, NULL, f, work, 512, &fault));
    REFUSED(SOUTHWELL_CODE_NULL, southwell_box_qp_shift_f64(NULL, 3, 1, &fault));
}

/* Four samples, three features: the lasso soft-thresholds where columns are orthogonal. */
static void regression(void) {
    enum { SAMPLES = 4, FEATURES = 3 };
    double dense[] = {1, 1, 1, 1, 1, 1, -1, -1, 1, -1, 1, -1};
    uint32_t offsets[] = {0, 4, 8, 12}, rows[] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    double y[SAMPLES] = {3, 3.2, 1, 0.8}, work[256], x[FEATURES] = {0}, z[FEATURES] = {0}, lambda = 0;
    uint32_t indices[64];
    SouthwellDenseDesign_f64 design = {sizeof design, SAMPLES, FEATURES, dense};
    SouthwellSparseDesign_f64 sparse = {sizeof sparse, SAMPLES, FEATURES, offsets, rows, dense};
    SouthwellRegression_f64 problem = {.size = sizeof problem, .y = y, .lambda = 0.4, .capacity = FEATURES};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellRegressionFound_f64 found = {.size = sizeof found};
    SouthwellFault fault;
    size_t len = southwell_regression_workspace(SAMPLES, FEATURES, FEATURES);
    size_t count = southwell_regression_indices(FEATURES, FEATURES);
    EXPECT(len <= 256 && count <= 64);
#define FIT(p, w_, l, i, c) southwell_regression_dense_f64(&design, p, w_, NULL, work, l, i, c, &report, &found, &fault)
    EXPECT(FIT(&problem, x, len, indices, count) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_CONVERGED);
    EXPECT(fabs(x[0] - 1.9) < 1e-12 && fabs(x[1] - 1) < 1e-12 && x[2] == 0 && found.nonzeros == 2);
    EXPECT(found.dual <= found.primal && found.primal - found.dual <= 1e-6 * report.scale);
    EXPECT(southwell_regression_sparse_f64(&sparse, &problem, z, NULL, work, len, indices, count, NULL, NULL, NULL) ==
           SOUTHWELL_CODE_OK);
    for (int j = 0; j < FEATURES; j++) EXPECT(fabs(z[j] - x[j]) < 1e-12);
    EXPECT(southwell_regression_lambda_max_dense_f64(&design, &problem, &lambda, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(fabs(lambda - 8) < 1e-12);
    EXPECT(southwell_regression_lambda_max_sparse_f64(&sparse, &problem, &lambda, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(fabs(lambda - 8) < 1e-12);
    /* One group of all, and a constant: the objective falls with neither. */
    const uint32_t groups[] = {0, 1, 3};
    SouthwellRegression_f64 grouped = problem;
    grouped.penalty = SOUTHWELL_PENALTY_GROUP, grouped.groups = groups, grouped.groups_len = 3;
    EXPECT(FIT(&grouped, z, len, indices, count) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_CONVERGED);
    EXPECT(fabs(z[0] - 1.9) < 1e-6);

    REFUSED(SOUTHWELL_CODE_NULL, FIT(NULL, x, len, indices, count));
    REFUSED(SOUTHWELL_CODE_NULL, FIT(&problem, NULL, len, indices, count));
    REFUSED(SOUTHWELL_CODE_NULL, FIT(&problem, x, len, NULL, count));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, FIT(&problem, x, len - 1, indices, count));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, FIT(&problem, x, len, indices, count - 1));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, FIT(&problem, x, len, ASKEW(indices), count - 1));
    REFUSED(SOUTHWELL_CODE_OVERLAP, FIT(&problem, y, len, indices, count));
    problem.lambda = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, FIT(&problem, x, len, indices, count));
    problem.lambda = 0.4, problem.penalty = 9;
    REFUSED(SOUTHWELL_CODE_OPTION, FIT(&problem, x, len, indices, count));
    EXPECT(BLAMES("penalty"));
    problem.penalty = SOUTHWELL_PENALTY_GROUP;
    REFUSED(SOUTHWELL_CODE_DIMENSION, FIT(&problem, x, len, indices, count));
    problem.penalty = SOUTHWELL_PENALTY_LASSO, problem.loss = 7;
    REFUSED(SOUTHWELL_CODE_OPTION, FIT(&problem, x, len, indices, count));
    problem.loss = SOUTHWELL_LOSS_LOGISTIC;
    REFUSED(SOUTHWELL_CODE_LABEL, FIT(&problem, x, len, indices, count));
    problem.loss = SOUTHWELL_LOSS_SQUARES, dense[5] = NAN;
    REFUSED(SOUTHWELL_CODE_VALUE, FIT(&problem, x, len, indices, count));
    EXPECT(fault.index == 5);
    dense[5] = 1, rows[11] = SAMPLES;
    REFUSED(SOUTHWELL_CODE_STRUCTURE, southwell_regression_sparse_f64(&sparse, &problem, x, NULL, work, len, indices, count,
                                                                      NULL, NULL, &fault));
    EXPECT(fault.index == 11);
    REFUSED(SOUTHWELL_CODE_NULL, southwell_regression_lambda_max_dense_f64(&design, &problem, NULL, &fault));
}

void descent(void) {
    box();
    control();
    regression();
}
