/* Instructions between two calls, to within 20. */
#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
void count_begin(void);
uint32_t count_end(void);
#ifdef __cplusplus
}
#endif
