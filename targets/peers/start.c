/* Start-up of a Cortex-M4F in QEMU's mps2-an386 for programs that bring a C library, and a count of instructions. */
#include "count.h"
#include <stdlib.h>

extern uint32_t _stack_top, _data_from, _data_begin, _data_end, _bss_begin, _bss_end;
extern void initialise_monitor_handles(void);
extern void __libc_init_array(void);
int main(void);
void *__dso_handle = 0; /* nothing is unloaded */
void _init(void);
void _fini(void);
void _fini(void) {}
void _init(void) {}

/* As in ../cortex-m/src/clock.rs: 4 ns an instruction with -icount shift=2, 40 ns a tick. */
#define TICKS 0x00ffffffu
#define PER_TICK 10u
static volatile uint32_t *const control = (uint32_t *)0xe000e010, *const reload = (uint32_t *)0xe000e014,
                                *const current = (uint32_t *)0xe000e018;
static uint32_t before;

void count_begin(void) { before = *current; }
uint32_t count_end(void) { return ((before - *current) & TICKS) * PER_TICK; }

static void fault(void) { _Exit(3); }

static void reset(void) {
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* the floating-point unit */
    __asm__ volatile("dsb\nisb");
    for (uint32_t *to = &_data_begin, *from = &_data_from; to < &_data_end;) *to++ = *from++;
    for (uint32_t *to = &_bss_begin; to < &_bss_end;) *to++ = 0;
    *reload = TICKS;
    *current = 0;
    *control = 5;
    initialise_monitor_handles();
    __libc_init_array();
    exit(main());
}

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} Vector;

__attribute__((section(".vectors"), used)) static const Vector vectors[16] = {
    {.stack = &_stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},     {.handler = fault}, {.handler = fault},
};
