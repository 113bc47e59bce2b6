/* A hash of the bits of numbers, FNV-1a. */
#ifndef HASH_H
#define HASH_H

#include <stdint.h>

#define HASH 0xcbf29ce484222325u

static uint64_t fnv(uint64_t hash, const float *x, int n) {
    for (int i = 0; i < n; i++) {
        union {
            float number;
            uint32_t bits;
        } word = {x[i]};
        for (int k = 0; k < 4; k++) hash = (hash ^ (word.bits >> (8 * k) & 255)) * 0x100000001b3u;
    }
    return hash;
}

#endif
