/* Functions of the caller's own: an operator and an oracle through function pointers, right answers and misuse. */
#include "check.h"

enum { N = 40 };

typedef struct {
    int calls;
    double shift;
} Chain;

/* Second differences, and a little on the diagonal. */
static void chain(void *context, const double *x, double *y, size_t n) {
    Chain *self = context;
    self->calls++;
    for (size_t i = 0; i < n; i++)
        y[i] = (2 + self->shift) * x[i] - (i > 0 ? x[i - 1] : 0) - (i + 1 < n ? x[i + 1] : 0);
}

static void minus(void *context, const double *x, double *y, size_t n) {
    (void)context;
    for (size_t i = 0; i < n; i++) y[i] = -x[i];
}

static void nothing_known(void *context, const double *x, double *y, size_t n) {
    (void)context, (void)x;
    for (size_t i = 0; i < n; i++) y[i] = NAN;
}

static void operators(void) {
    double rhs[N], x[N] = {0}, work[3 * N], y[N];
    for (int i = 0; i < N; i++) rhs[i] = i % 7 - 3;
    Chain own = {0, 0.1};
    SouthwellOperator_f64 operator = {sizeof operator, N, chain, &own};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellFault fault;
    EXPECT(southwell_cg_workspace(N) == 3 * N);
#define CG(o, b, l) southwell_cg_f64(o, b, x, NULL, work, l, &report, &fault)
    EXPECT(CG(&operator, rhs, 3 * N) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_CONVERGED);
    EXPECT(own.calls == (int)report.steps + 2);
    chain(&own, x, y, N);
    double square = 0, size = 0;
    for (int i = 0; i < N; i++) square += (rhs[i] - y[i]) * (rhs[i] - y[i]), size += rhs[i] * rhs[i];
    EXPECT(sqrt(square) <= 1.01e-8 * sqrt(size));

    REFUSED(SOUTHWELL_CODE_NULL, CG(NULL, rhs, 3 * N));
    REFUSED(SOUTHWELL_CODE_NULL, CG(&operator, NULL, 3 * N));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, CG(&operator, rhs, 3 * N - 1));
    REFUSED(SOUTHWELL_CODE_OVERLAP, CG(&operator, x, 3 * N));
    REFUSED(SOUTHWELL_CODE_MISALIGNED, CG(ASKEW(&operator), rhs, 3 * N));
    rhs[3] = INFINITY;
    REFUSED(SOUTHWELL_CODE_VALUE, CG(&operator, rhs, 3 * N));
    EXPECT(BLAMES("rhs") && fault.index == 3);
    rhs[3] = 0;
    operator.apply = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, CG(&operator, rhs, 3 * N));
    EXPECT(BLAMES("apply"));
    operator.size = 0;
    REFUSED(SOUTHWELL_CODE_SIZE, CG(&operator, rhs, 3 * N));
    operator.size = sizeof operator;
    /* What a function does wrong is a status. */
    operator.apply = minus;
    EXPECT(CG(&operator, rhs, 3 * N) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_BREAKDOWN);
    operator.apply = nothing_known;
    EXPECT(CG(&operator, rhs, 3 * N) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_NOT_FINITE);
}

/* |x0 - 3| + 2 |x1 + 1|: its least value is 0. */
static float corner(void *context, const float *x, float *g, size_t n) {
    *(size_t *)context = n;
    g[0] = x[0] > 3 ? 1 : x[0] < 3 ? -1 : 0;
    g[1] = x[1] > -1 ? 2 : x[1] < -1 ? -2 : 0;
    return fabsf(x[0] - 3) + 2 * fabsf(x[1] + 1);
}

static int32_t stop_at_once(void *context, uint32_t step, float left, float factor) {
    (void)context, (void)step, (void)left, (void)factor;
    return 1;
}

static void functions(void) {
    float x[2] = {0, 0}, work[4], lower[2] = {-5, 0}, upper[2] = {2, 5};
    size_t unknowns = 0;
    SouthwellFunction_f32 function = {sizeof function, 2, corner, &unknowns, NULL, NULL, 1, -INFINITY};
    SouthwellReport_f32 report = {.size = sizeof report};
    SouthwellFunctionFound_f32 found = {.size = sizeof found};
    SouthwellFault fault;
    EXPECT(southwell_minimise_workspace(2) == 4);
#define MINIMISE(f, o, l) southwell_minimise_f32(f, x, o, work, l, &report, &found, &fault)
    EXPECT(MINIMISE(&function, NULL, 4) == SOUTHWELL_CODE_OK && unknowns == 2);
    EXPECT(found.value < 0.05f && fabsf(x[0] - 3) + 2 * fabsf(x[1] + 1) == found.value);
    /* Where the least value is known. */
    x[0] = x[1] = 0, function.least = 0;
    EXPECT(MINIMISE(&function, NULL, 4) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_CONVERGED);
    EXPECT(found.value < 1e-3f && report.steps < 1000);
    /* In a box whose nearest corner is (2, 0), of value 3. */
    x[0] = x[1] = 1, function.least = -INFINITY, function.lower = lower, function.upper = upper;
    EXPECT(MINIMISE(&function, NULL, 4) == SOUTHWELL_CODE_OK && x[0] == 2 && x[1] == 0 && found.value == 3);

    SouthwellOptions_f32 options = southwell_options_f32();
    options.observe = stop_at_once;
    EXPECT(MINIMISE(&function, &options, 4) == SOUTHWELL_CODE_OK && report.status == SOUTHWELL_STATUS_STOPPED);
    REFUSED(SOUTHWELL_CODE_NULL, MINIMISE(NULL, NULL, 4));
    REFUSED(SOUTHWELL_CODE_WORKSPACE, MINIMISE(&function, NULL, 3));
    function.upper = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, MINIMISE(&function, NULL, 4));
    EXPECT(BLAMES("upper"));
    function.upper = x;
    REFUSED(SOUTHWELL_CODE_OVERLAP, MINIMISE(&function, NULL, 4));
    function.lower = function.upper = NULL, function.length = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, MINIMISE(&function, NULL, 4));
    function.length = 1, function.evaluate = NULL;
    REFUSED(SOUTHWELL_CODE_NULL, MINIMISE(&function, NULL, 4));
    EXPECT(BLAMES("evaluate"));
    function.evaluate = corner, found.size = 1;
    REFUSED(SOUTHWELL_CODE_SIZE, MINIMISE(&function, NULL, 4));
    found.size = sizeof found, function.dimension = 0;
    REFUSED(SOUTHWELL_CODE_OPTION, MINIMISE(&function, NULL, 4));
}

void own(void) {
    operators();
    functions();
}
