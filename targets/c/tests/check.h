/* What every family's tests share. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "southwell.h"

extern int failures;

#define EXPECT(condition)                                                                \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);         \
            failures++;                                                                  \
        }                                                                                \
    } while (0)

/* A call that must be refused with a code, say so in `fault`, and leave `x`, an array, as it was. */
#define REFUSED(code_, call)                                          \
    do {                                                              \
        char kept_[sizeof x];                                         \
        memcpy(kept_, x, sizeof x);                                   \
        EXPECT((call) == (code_) && fault.code == (code_));           \
        EXPECT(memcmp(kept_, x, sizeof x) == 0);                      \
        EXPECT(strlen(southwell_code_text(fault.code)) > 10);         \
    } while (0)

/* Whether the fault is about this argument. */
#define BLAMES(name) (fault.argument_len == strlen(name) && memcmp(fault.argument, name, strlen(name)) == 0)

/* A pointer into the middle of an element. */
#define ASKEW(pointer) ((void *)((char *)(uintptr_t)(pointer) + 1))

void linear(void);
void learned(void);
void transport(void);
void descent(void);
void nonsmooth(void);
void own(void);
void blocks(void);

#endif
