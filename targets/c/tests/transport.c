/* Transport: right answers and misuse. */
#include "check.h"

void transport(void) {
    enum { ROWS = 3, COLUMNS = 4 };
    const double cost[ROWS * COLUMNS] = {0, 1, 4, 9, 1, 0, 1, 4, 4, 1, 0, 1};
    const double a[ROWS] = {0.5, 0.25, 0.25}, b[COLUMNS] = {0.25, 0.25, 0.25, 0.25};
    SouthwellTransport_f64 problem = {sizeof problem, ROWS, COLUMNS, COLUMNS, cost, a, b, 0.5};
    SouthwellReport_f64 report = {.size = sizeof report};
    SouthwellFault fault;
    double f[ROWS] = {0}, g[COLUMNS] = {0}, work[64], row[COLUMNS], columns_sum[COLUMNS] = {0};
    size_t len = southwell_sinkhorn_workspace(ROWS, COLUMNS);
    EXPECT(len <= 64);
    EXPECT(southwell_sinkhorn_f64(&problem, f, g, NULL, work, len, &report, &fault) == SOUTHWELL_CODE_OK);
    EXPECT(report.status == SOUTHWELL_STATUS_CONVERGED);
    double error = 0;
    for (int i = 0; i < ROWS; i++) {
        EXPECT(southwell_coupling_row_f64(&problem, i, f, g, row, NULL) == SOUTHWELL_CODE_OK);
        double sum = 0;
        for (int k = 0; k < COLUMNS; k++) sum += row[k], columns_sum[k] += row[k];
        error += fabs(sum - a[i]);
    }
    for (int k = 0; k < COLUMNS; k++) error += fabs(columns_sum[k] - b[k]);
    EXPECT(error <= 1.0001e-9 && fabs(error - report.residual) < 1e-12);
    EXPECT(southwell_coupling_row_f64(&problem, ROWS, f, g, row, &fault) == SOUTHWELL_CODE_DIMENSION);
    problem.epsilon = 0;
    EXPECT(southwell_sinkhorn_f64(&problem, f, g, NULL, work, len, &report, &fault) == SOUTHWELL_CODE_OPTION);
    problem.epsilon = 0.5;
    const double heavier[ROWS] = {0.5, 0.5, 0.25};
    problem.a = heavier;
    EXPECT(southwell_sinkhorn_f64(&problem, f, g, NULL, work, len, &report, &fault) == SOUTHWELL_CODE_MASS);
    const double negative[ROWS] = {0.5, -0.25, 0.75};
    problem.a = negative;
    EXPECT(southwell_sinkhorn_f64(&problem, f, g, NULL, work, len, &report, &fault) == SOUTHWELL_CODE_NEGATIVE);
    EXPECT(fault.index == 1);
}
