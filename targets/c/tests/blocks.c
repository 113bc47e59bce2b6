/* Descent by blocks on a smooth function of the caller's own: right answers and misuse. */
#include "check.h"

enum { N = 24 };

/* 1/2 x'Tx - b'x with T = tridiag(-1, 2 + shift, -1); the state is the gradient, Tx - b. */
typedef struct {
    double shift, b[N];
    int begun, moved;
} Chain;

static void begin(void *context, const double *x, size_t n, double *state, size_t len) {
    Chain *self = context;
    self->begun += len == n;
    for (size_t i = 0; i < n; i++)
        state[i] = (2 + self->shift) * x[i] - (i > 0 ? x[i - 1] : 0) - (i + 1 < n ? x[i + 1] : 0) - self->b[i];
}

static void shift(void *context, size_t i, double delta, double *state, size_t len) {
    Chain *self = context;
    self->moved++;
    state[i] += (2 + self->shift) * delta;
    if (i > 0) state[i - 1] -= delta;
    if (i + 1 < len) state[i + 1] -= delta;
}

static double value(void *context, const double *x, size_t n, const double *state, size_t len) {
    Chain *self = context;
    double sum = 0;
    for (size_t i = 0; i < n && i < len; i++) sum += x[i] * (state[i] - self->b[i]);
    return sum / 2;
}

static double partial(void *context, size_t i, const double *state, size_t len) {
    (void)context;
    return i < len ? state[i] : NAN;
}

static double nothing_known(void *context, size_t i, const double *state, size_t len) {
    (void)context, (void)i, (void)state, (void)len;
    return NAN;
}

/* How far x is from optimal for l1 |x| in [lower, upper]. */
static double violation(Chain *chain, const double *x, double l1, double l2, double lower, double upper) {
    double g[N], worst = 0;
    begin(chain, x, N, g, N);
    for (int i = 0; i < N; i++) {
        double slope = g[i] + l2 * x[i], off;
        if (x[i] == 0) off = fabs(slope) <= l1 ? 0 : fabs(slope) - l1;
        else off = fabs(slope + (x[i] > 0 ? l1 : -l1));
        if (x[i] <= lower && slope + l1 >= 0) off = 0;
        if (x[i] >= upper && slope + l1 <= 0) off = 0;
        if (off > worst) worst = off;
    }
    return worst;
}

void blocks(void) {
    double x[N] = {0}, work[1000], lower[N], upper[N], curvature[N];
    uint32_t indices[2 * N];
    Chain chain = {.shift = 0.5};
    for (int i = 0; i < N; i++) chain.b[i] = i % 7 - 3, curvature[i] = 2.5, lower[i] = -0.75, upper[i] = INFINITY;
    SouthwellSmooth_f64 smooth = {.size = sizeof smooth, .variables = N, .state_len = N, .begin = begin, .shift = shift,
                                  .value = value, .partial = partial, .context = &chain, .curvature = curvature,
                                  .rule = SOUTHWELL_RULE_GREEDY, .block = 1};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellSmoothFound_f64 found = {.size = sizeof found};
    SouthwellFault fault;
    size_t len = southwell_descend_workspace(N, N, N);
    EXPECT(len <= 1000 && southwell_descend_indices(N) == 2 * N);
#define DESCEND(s, l, i) southwell_descend_f64(s, x, NULL, work, l, indices, i, &report, &found, &fault)
    /* Both rules, blocks of several sizes, with and without kinks and bounds. */
    for (uint32_t rule = 0; rule < 2; rule++)
        for (size_t block = 1; block <= N; block += block == 1 ? 3 : 20)
            for (int kind = 0; kind < 3; kind++) {
                memset(x, 0, sizeof x);
                smooth.rule = rule, smooth.block = block;
                smooth.l1 = kind ? 0.4 : 0, smooth.l2 = kind ? 0.1 : 0;
                smooth.lower = kind == 2 ? lower : NULL, smooth.upper = kind == 2 ? upper : NULL;
                size_t needed = southwell_descend_workspace(N, N, block);
                for (size_t k = 0; k < needed; k++) work[k] = NAN;
                EXPECT(DESCEND(&smooth, needed, 2 * block) == SOUTHWELL_CODE_OK);
                EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED && report.steps > 0 && chain.begun && chain.moved);
                double least = kind == 2 ? -0.75 : -INFINITY;
                EXPECT(violation(&chain, x, smooth.l1, smooth.l2, least, INFINITY) <= 1.001e-8 * report.scale);
                EXPECT(found.objective < 0);
            }

    smooth.block = 1, smooth.rule = SOUTHWELL_RULE_GREEDY;
    REFUSED(SOUTHWELL_CODE_NULL, DESCEND(NULL, len, 2));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, DESCEND(ASKEW(&smooth), len, 2));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, DESCEND(&smooth, 3 * N, 2));
    REFUSED(SOUTHWELL_CODE_DIMENSION, DESCEND(&smooth, len, 1));
    EXPECT(BLAMES("indices") && fault.needed == 2 && fault.given == 1);
    REFUSED(SOUTHWELL_CODE_OVERLAP, southwell_descend_f64(&smooth, x, NULL, x, N, indices, 2, NULL, NULL, &fault));
    smooth.rule = 2;
    REFUSED(SOUTHWELL_CODE_OPTION, DESCEND(&smooth, len, 2));
    EXPECT(BLAMES("rule"));
    smooth.rule = SOUTHWELL_RULE_CYCLIC, smooth.block = N + 1;
    REFUSED(SOUTHWELL_CODE_OPTION, DESCEND(&smooth, len, 2));
    smooth.block = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, DESCEND(&smooth, len, 2));
    smooth.block = 1, smooth.l1 = -1;
    REFUSED(SOUTHWELL_CODE_NEGATIVE, DESCEND(&smooth, len, 2));
    smooth.l1 = NAN;
    REFUSED(SOUTHWELL_CODE_VALUE, DESCEND(&smooth, len, 2));
    smooth.l1 = 0, curvature[5] = INFINITY;
    REFUSED(SOUTHWELL_CODE_VALUE, DESCEND(&smooth, len, 2));
    EXPECT(BLAMES("curvature") && fault.index == 5);
    curvature[5] = -1;
    REFUSED(SOUTHWELL_CODE_NEGATIVE, DESCEND(&smooth, len, 2));
    curvature[5] = 2.5, upper[3] = -1;
    REFUSED(SOUTHWELL_CODE_OPTION, DESCEND(&smooth, len, 2));
    smooth.upper = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, DESCEND(&smooth, len, 2));
    EXPECT(BLAMES("upper"));
    smooth.upper = x;
    REFUSED(SOUTHWELL_CODE_OVERLAP, DESCEND(&smooth, len, 2));
    smooth.lower = smooth.upper = NULL, smooth.partial = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, DESCEND(&smooth, len, 2));
    EXPECT(BLAMES("partial"));
    smooth.partial = partial, smooth.shift = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, DESCEND(&smooth, len, 2));
    smooth.shift = shift, smooth.curvature = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, DESCEND(&smooth, len, 2));
    smooth.curvature = curvature, smooth.variables = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, DESCEND(&smooth, len, 2));
    smooth.variables = (size_t)-1;
    REFUSED(SOUTHWELL_CODE_TOO_LONG, DESCEND(&smooth, len, 2));
    smooth.variables = N, found.size = 1;
    REFUSED(SOUTHWELL_CODE_SIZE, DESCEND(&smooth, len, 2));
    found.size = sizeof found, x[7] = INFINITY;
    REFUSED(SOUTHWELL_CODE_VALUE, DESCEND(&smooth, len, 2));
    /* What a function does wrong is a status. */
    memset(x, 0, sizeof x), smooth.partial = nothing_known;
    EXPECT(DESCEND(&smooth, len, 2) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_NOT_FINITE);
    smooth.size = 3;
    REFUSED(SOUTHWELL_CODE_SIZE, DESCEND(&smooth, len, 2));
}
