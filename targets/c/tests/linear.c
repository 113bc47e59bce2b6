/* Linear systems: right answers, and every misuse that the interface promises to notice. */
#include "check.h"

enum { N = 5 };

/* The second difference, plus a little: [2.1 -1; -1 2.1 -1; ...]. */
static const uint32_t offsets[N + 1] = {0, 2, 5, 8, 11, 13};
static const uint32_t columns[] = {0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4};
static const double values[] = {2.1, -1, -1, 2.1, -1, -1, 2.1, -1, -1, 2.1, -1, -1, 2.1};
static const double rhs[N] = {1, 2, 3, 4, 5};

static double residual(const double *x) {
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double r = rhs[i];
        for (uint32_t k = offsets[i]; k < offsets[i + 1]; k++) r -= values[k] * x[columns[k]];
        sum += r * r;
    }
    return sqrt(sum);
}

static int32_t three_steps(void *context, uint32_t step, double left, double omega) {
    (void)left, (void)omega;
    ++*(int *)context;
    return step == 3;
}

void linear(void) {
    SouthwellCsrMatrix_f64 matrix = {sizeof matrix, N, offsets, columns, values};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellFault fault;
    size_t len = southwell_ssor_cg_workspace(N);
    double *work = malloc(len * sizeof *work), x[N] = {0};
    EXPECT(southwell_ssor_cg_csr_f64(&matrix, rhs, x, NULL, NULL, work, len, &report, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED && report.steps <= N + 1);
    EXPECT(residual(x) <= 1e-8 * report.scale && fabs(report.residual - residual(x)) < 1e-13);

    /* The same by SOR, and by a dense matrix. */
    double y[N] = {0}, dense[N * N] = {0}, z[N] = {0};
    EXPECT(len >= southwell_sor_workspace(N));
    SouthwellOptions_f64 options = southwell_options_f64();
    options.omega = 1.3;
    EXPECT(southwell_sor_csr_f64(&matrix, rhs, y, &options, NULL, work, len, NULL, NULL) == SOUTHWELL_CODE_OK);
    for (int i = 0; i < N; i++)
        for (uint32_t k = offsets[i]; k < offsets[i + 1]; k++) dense[i * N + columns[k]] = values[k];
    SouthwellDenseMatrix_f64 full = {sizeof full, N, N, dense};
    EXPECT(southwell_ssor_cg_dense_f64(&full, rhs, z, NULL, NULL, work, len, NULL, NULL) == SOUTHWELL_CODE_OK);
    for (int i = 0; i < N; i++) EXPECT(fabs(x[i] - y[i]) < 1e-6 && fabs(x[i] - z[i]) < 1e-6);

    /* An observer sees every step and ends the run. */
    int seen = 0;
    memset(x, 0, sizeof x);
    options.observe = three_steps, options.context = &seen;
    EXPECT(southwell_sor_csr_f64(&matrix, rhs, x, &options, NULL, work, len, &report, NULL) == SOUTHWELL_CODE_OK);
    EXPECT(report.status == SOUTHWELL_STATUS_STOPPED && report.steps == 3 && seen == 4);

    /* Misuse: a code, the place, and nothing touched. */
#define SSOR(m, b, x_, o, s, w, l, r) southwell_ssor_cg_csr_f64(m, b, x_, o, s, w, l, r, &fault)
    REFUSED(SOUTHWELL_CODE_NULL, SSOR(NULL, rhs, x, NULL, NULL, work, len, &report));
    REFUSED(SOUTHWELL_CODE_NULL, SSOR(&matrix, NULL, x, NULL, NULL, work, len, &report));
    REFUSED(SOUTHWELL_CODE_NULL, SSOR(&matrix, rhs, NULL, NULL, NULL, work, len, &report));
    REFUSED(SOUTHWELL_CODE_NULL, SSOR(&matrix, rhs, x, NULL, NULL, NULL, len, &report));
    EXPECT(fault.argument_len == 9 && memcmp(fault.argument, "workspace", 9) == 0);
    REFUSED(SOUTHWELL_CODE_WORKSPACE, SSOR(&matrix, rhs, x, NULL, NULL, work, len - 1, &report));
    EXPECT(fault.needed == len && fault.given == len - 1);
    REFUSED(SOUTHWELL_CODE_TOO_LONG, SSOR(&matrix, rhs, x, NULL, NULL, work, SIZE_MAX / 2, &report));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, SSOR(&matrix, (const double *)((const char *)rhs + 1), x, NULL, NULL, work, len, &report));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, SSOR(&matrix, rhs, x, NULL, NULL, (double *)((char *)work + 4), len - 1, &report));
    REFUSED(SOUTHWELL_CODE_OVERLAP, SSOR(&matrix, x, x, NULL, NULL, work, len, &report));
    REFUSED(SOUTHWELL_CODE_OVERLAP, SSOR(&matrix, rhs, x, NULL, NULL, x, N, &report));
    SouthwellCsrMatrix_f64 other = matrix;
    other.size = 4;
    REFUSED(SOUTHWELL_CODE_SIZE, SSOR(&other, rhs, x, NULL, NULL, work, len, &report));
    SouthwellReport_f64 no_size = {0};
    REFUSED(SOUTHWELL_CODE_SIZE, SSOR(&matrix, rhs, x, NULL, NULL, work, len, &no_size));
    SouthwellOmega_f64 garbage;
    memset(&garbage, 0xa5, sizeof garbage);
    REFUSED(SOUTHWELL_CODE_NOT_INITIALISED, SSOR(&matrix, rhs, x, NULL, &garbage, work, len, &report));
    options = southwell_options_f64();
    options.relative = NAN;
    REFUSED(SOUTHWELL_CODE_OPTION, SSOR(&matrix, rhs, x, &options, NULL, work, len, &report));
    EXPECT(fault.requirement_len > 5);
    options = southwell_options_f64();
    options.omega = 2.5;
    REFUSED(SOUTHWELL_CODE_OPTION, SSOR(&matrix, rhs, x, &options, NULL, work, len, &report));
    double bad_rhs[N] = {1, 2, NAN, 4, 5};
    REFUSED(SOUTHWELL_CODE_VALUE, SSOR(&matrix, bad_rhs, x, NULL, NULL, work, len, &report));
    EXPECT(fault.index == 2);
    uint32_t bad_columns[13];
    memcpy(bad_columns, columns, sizeof columns);
    bad_columns[7] = N;
    other = matrix, other.columns = bad_columns;
    REFUSED(SOUTHWELL_CODE_STRUCTURE, SSOR(&other, rhs, x, NULL, NULL, work, len, &report));
    EXPECT(fault.index == 7);
    double bad_values[13];
    memcpy(bad_values, values, sizeof values);
    bad_values[3] = 0;
    other = matrix, other.values = bad_values;
    REFUSED(SOUTHWELL_CODE_DIAGONAL, SSOR(&other, rhs, x, NULL, NULL, work, len, &report));
    free(work);
}

/* Omega is learned over a sequence of heat steps. */
void learned(void) {
    enum { SIDE = 20, CELLS = SIDE * SIDE };
    SouthwellStencil_f32 stencil = {sizeof stencil, SIDE, SIDE, 9, -2, -2, -2, -2};
    SouthwellReport_f32 report = {.size = sizeof report};
    SouthwellOmega_f32 omega;
    EXPECT(southwell_omega_init_f32(&omega, 1.0f, 1.9f, 7, NULL) == SOUTHWELL_CODE_OK);
    EXPECT(southwell_omega_init_f32(&omega, 1.0f, 2.0f, 7, NULL) == SOUTHWELL_CODE_OPTION);
    EXPECT(southwell_omega_init_f32(NULL, 1.0f, 1.9f, 7, NULL) == SOUTHWELL_CODE_NULL);
    size_t len = southwell_ssor_cg_workspace_stencil(CELLS);
    float *work = malloc(len * sizeof *work), *u = malloc(CELLS * sizeof *u), *b = malloc(CELLS * sizeof *b);
    for (int i = 0; i < CELLS; i++) u[i] = 1;
    unsigned steps = 0;
    for (int step = 0; step < 40; step++) {
        memcpy(b, u, CELLS * sizeof *b);
        EXPECT(southwell_ssor_cg_stencil_f32(&stencil, b, u, NULL, &omega, work, len, &report, NULL) == SOUTHWELL_CODE_OK);
        EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED);
        steps += report.steps;
    }
    EXPECT(steps > 40 && steps < 40 * 12);
    for (int i = 0; i < CELLS; i++) EXPECT(u[i] >= 0 && u[i] < 1);
    free(work), free(u), free(b);
}
