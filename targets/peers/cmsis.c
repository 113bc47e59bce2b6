/* CMSIS-DSP's product of a matrix with a vector, and its Cholesky factorisation, on the matrices that ../cortex-m's
   `passes_beside` takes: entry (i, j) is 1 / (1 + i + j), and n more on the diagonal. */
#include "count.h"
#include "dsp/matrix_functions.h"
#include <stdio.h>

#define MOST 40
static const int sizes[] = {4, 8, 12, 16, 40};

int main(void) {
    static float a[MOST * MOST], factor[MOST * MOST], x[MOST], y[MOST];
    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int n = sizes[k];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) a[i * n + j] = 1.0f / (float)(1 + i + j) + (i == j ? (float)n : 0.0f);
            x[i] = 1.0f / (float)(1 + i);
        }
        arm_matrix_instance_f32 matrix = {(uint16_t)n, (uint16_t)n, a}, lower = {(uint16_t)n, (uint16_t)n, factor};
        count_begin();
        arm_mat_vec_mult_f32(&matrix, x, y);
        uint32_t product = count_end();
        count_begin();
        arm_status status = arm_mat_cholesky_f32(&matrix, &lower);
        uint32_t cholesky = count_end();
        printf("%d %lu %lu %d\n", n, (unsigned long)product, (unsigned long)cholesky, (int)status);
    }
    return 0;
}
