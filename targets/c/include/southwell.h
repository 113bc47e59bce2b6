/* southwell: solver kernels without a heap. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Written from targets/c/src by `cargo run --example header -- write`; do not edit.
 *
 * The library owns nothing and keeps nothing: every array is yours, and nothing is remembered after a call but
 * what is in your structs. Lengths count elements. A function returns SOUTHWELL_CODE_OK, or says why it did
 * not start and has touched no output; how a run ended is the report's status. Functions may be called from
 * several threads and interrupts at once, on different arrays.
 *
 * The first member of a struct, `size`, is sizeof of it as your compiler saw it: set it, so that a library and a
 * program of different versions notice. Pointers must be aligned for their type, and an array that is written must
 * not overlap another one: both are checked.
 */

#ifndef SOUTHWELL_H
#define SOUTHWELL_H

#include <stddef.h>
#include <stdint.h>

// Why a run did not start; nothing was touched then, but for the fault that says where.
typedef enum {
  // It ran: the report says how it ended.
  SOUTHWELL_CODE_OK = 0,
  // A pointer is null that must not be.
  SOUTHWELL_CODE_NULL = 1,
  // A pointer is not aligned for its type.
  SOUTHWELL_CODE_MISALIGNED = 2,
  // A length is larger than any array.
  SOUTHWELL_CODE_TOO_LONG = 3,
  // An array that is written overlaps another one.
  SOUTHWELL_CODE_OVERLAP = 4,
  // The `size` of a struct is not that of this library's version.
  SOUTHWELL_CODE_SIZE = 5,
  // A state was not initialised.
  SOUTHWELL_CODE_NOT_INITIALISED = 6,
  // Arrays whose lengths contradict each other.
  SOUTHWELL_CODE_DIMENSION = 10,
  // The workspace is too short.
  SOUTHWELL_CODE_WORKSPACE = 11,
  // An option or a parameter lies outside its range.
  SOUTHWELL_CODE_OPTION = 12,
  // A diagonal entry does not allow the method.
  SOUTHWELL_CODE_DIAGONAL = 13,
  // A value is NaN or infinite.
  SOUTHWELL_CODE_VALUE = 14,
  // A value is negative where none may be.
  SOUTHWELL_CODE_NEGATIVE = 15,
  // Masses that contradict each other, or vanish.
  SOUTHWELL_CODE_MASS = 16,
  // The indices of a sparse matrix contradict each other.
  SOUTHWELL_CODE_STRUCTURE = 17,
  // The problem is larger than 32-bit indices can address.
  SOUTHWELL_CODE_TOO_LARGE = 18,
  // Anything else.
  SOUTHWELL_CODE_OTHER = 99,
} SouthwellCode;

// How a run ended. Every status leaves a usable iterate.
typedef enum {
  // The tolerance was met, confirmed by a residual recomputed from scratch.
  SOUTHWELL_STATUS_CONVERGED = 0,
  // The step limit came first; the best iterate so far is kept.
  SOUTHWELL_STATUS_STEP_LIMIT = 1,
  // The precision of the type is exhausted.
  SOUTHWELL_STATUS_STALLED = 2,
  // The method met a situation that its theory excludes.
  SOUTHWELL_STATUS_BREAKDOWN = 3,
  // A residual was NaN or infinite; the last good iterate is kept.
  SOUTHWELL_STATUS_NOT_FINITE = 4,
  // The observer asked to stop.
  SOUTHWELL_STATUS_STOPPED = 5,
  // Something that this version of the interface has no word for.
  SOUTHWELL_STATUS_UNKNOWN = 99,
} SouthwellStatus;

// What was learned about omega so far, in single precision. Copy it to remember, restore it to forget.
typedef struct {
  // Set by `southwell_omega_init_f32`.
  size_t mark;
  // The library's business.
  uint64_t state[72];
} SouthwellOmega_f32;

// Where the input was wrong.
typedef struct {
  // The code that the function returned.
  SouthwellCode code;
  // The name of the argument, `argument_len` characters without a final zero; not owned by the caller.
  const char *argument;
  // Characters of the name.
  size_t argument_len;
  // What it must satisfy, `requirement_len` characters, where there is more to say than the code.
  const char *requirement;
  // Characters of the requirement.
  size_t requirement_len;
  // The position of the element, counted from zero.
  size_t index;
  // The length that was needed.
  size_t needed;
  // The length that came.
  size_t given;
} SouthwellFault;

// What was learned about omega so far, in double precision. Copy it to remember, restore it to forget.
typedef struct {
  // Set by `southwell_omega_init_f64`.
  size_t mark;
  // The library's business.
  uint64_t state[136];
} SouthwellOmega_f64;

// How a run proceeds.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Absolute tolerance, in units of the residual; not negative.
  float absolute;
  // Tolerance relative to the run's scale; not negative.
  float relative;
  // The over-relaxation, in (0, 2); 0 lets the method decide (SSOR-CG and SOR: 1; Sinkhorn: found on the way).
  // Not read where an omega is learned.
  float omega;
  // The run ends after this many steps whatever happens.
  uint32_t max_steps;
  // The residual is looked at every so many steps (0 counts as 1).
  uint32_t check_every;
  // Called after every step with `context`, the steps done, the residual (NaN where it was not looked at) and
  // omega; another answer than 0 ends the run. May be null.
  int32_t (*observe)(void*, uint32_t, float, float);
  // Handed to `observe`.
  void *context;
} SouthwellOptions_f32;

// How a run proceeds.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Absolute tolerance, in units of the residual; not negative.
  double absolute;
  // Tolerance relative to the run's scale; not negative.
  double relative;
  // The over-relaxation, in (0, 2); 0 lets the method decide (SSOR-CG and SOR: 1; Sinkhorn: found on the way).
  // Not read where an omega is learned.
  double omega;
  // The run ends after this many steps whatever happens.
  uint32_t max_steps;
  // The residual is looked at every so many steps (0 counts as 1).
  uint32_t check_every;
  // Called after every step with `context`, the steps done, the residual (NaN where it was not looked at) and
  // omega; another answer than 0 ends the run. May be null.
  int32_t (*observe)(void*, uint32_t, double, double);
  // Handed to `observe`.
  void *context;
} SouthwellOptions_f64;

// A square sparse matrix by rows: row i holds entries `offsets[i]` to `offsets[i + 1]` of `columns` and
// `values`, columns increasing within a row.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows, and columns.
  size_t order;
  // Where rows begin, `order + 1` of them; the last is the number of entries.
  const uint32_t *offsets;
  // The column of every entry.
  const uint32_t *columns;
  // The value of every entry.
  const float *values;
} SouthwellCsrMatrix_f32;

// How a run ended and what it did.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // How the run ended.
  SouthwellStatus status;
  // Steps done.
  uint32_t steps;
  // Residuals evaluated on the way.
  uint32_t checks;
  // The residual at the start.
  float initial_residual;
  // The residual of the iterate that the run left.
  float residual;
  // What the relative tolerance was measured against.
  float scale;
} SouthwellReport_f32;

// A square sparse matrix by rows: row i holds entries `offsets[i]` to `offsets[i + 1]` of `columns` and
// `values`, columns increasing within a row.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows, and columns.
  size_t order;
  // Where rows begin, `order + 1` of them; the last is the number of entries.
  const uint32_t *offsets;
  // The column of every entry.
  const uint32_t *columns;
  // The value of every entry.
  const double *values;
} SouthwellCsrMatrix_f64;

// How a run ended and what it did.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // How the run ended.
  SouthwellStatus status;
  // Steps done.
  uint32_t steps;
  // Residuals evaluated on the way.
  uint32_t checks;
  // The residual at the start.
  double initial_residual;
  // The residual of the iterate that the run left.
  double residual;
  // What the relative tolerance was measured against.
  double scale;
} SouthwellReport_f64;

// A square dense matrix by rows, entry (i, j) at `i·stride + j`.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows, and columns.
  size_t order;
  // Distance of two rows, not smaller than the order.
  size_t stride;
  // The entries; the last row may end with its last entry.
  const float *values;
} SouthwellDenseMatrix_f32;

// A square dense matrix by rows, entry (i, j) at `i·stride + j`.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows, and columns.
  size_t order;
  // Distance of two rows, not smaller than the order.
  size_t stride;
  // The entries; the last row may end with its last entry.
  const double *values;
} SouthwellDenseMatrix_f64;

// The same five-point star in every cell of a grid, cell (i, j) at `i·columns + j`; couplings that would lead
// out of the grid are left out.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows of the grid.
  size_t rows;
  // Columns of the grid.
  size_t columns;
  // The diagonal entry.
  float centre;
  // The coupling to cell (i, j − 1).
  float west;
  // The coupling to cell (i, j + 1).
  float east;
  // The coupling to cell (i − 1, j).
  float south;
  // The coupling to cell (i + 1, j).
  float north;
} SouthwellStencil_f32;

// The same five-point star in every cell of a grid, cell (i, j) at `i·columns + j`; couplings that would lead
// out of the grid are left out.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows of the grid.
  size_t rows;
  // Columns of the grid.
  size_t columns;
  // The diagonal entry.
  double centre;
  // The coupling to cell (i, j − 1).
  double west;
  // The coupling to cell (i, j + 1).
  double east;
  // The coupling to cell (i − 1, j).
  double south;
  // The coupling to cell (i + 1, j).
  double north;
} SouthwellStencil_f64;

// min ⟨P, C⟩ + ε Σ P (ln P − 1), P 1 = a, Pᵀ 1 = b.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows n of the costs.
  size_t rows;
  // Columns m of the costs.
  size_t columns;
  // Distance of two rows, not smaller than m.
  size_t stride;
  // The costs, entry (i, k) at `i·stride + k`; not negative.
  const float *cost;
  // What each row has to give, n weights; not negative.
  const float *a;
  // What each column has to get, m weights of the same sum.
  const float *b;
  // The weight of the entropy ε, in the unit of the costs; positive.
  float epsilon;
} SouthwellTransport_f32;

// min ⟨P, C⟩ + ε Σ P (ln P − 1), P 1 = a, Pᵀ 1 = b.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows n of the costs.
  size_t rows;
  // Columns m of the costs.
  size_t columns;
  // Distance of two rows, not smaller than m.
  size_t stride;
  // The costs, entry (i, k) at `i·stride + k`; not negative.
  const double *cost;
  // What each row has to give, n weights; not negative.
  const double *a;
  // What each column has to get, m weights of the same sum.
  const double *b;
  // The weight of the entropy ε, in the unit of the costs; positive.
  double epsilon;
} SouthwellTransport_f64;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

#if defined(CAN_PANIC)
// Panics where `index` is 3 or more: the test of the proof that a program which links cannot.
uint32_t southwell_example_that_can_panic(size_t index);
#endif

// What a code means, in a few words; never null. Any number is allowed.
const char *southwell_code_text(int32_t code);

// Begins to learn omega among sixteen candidates from `first` to `last`, 0 < first < last < 2 (1 and 1.9 do for
// most systems), for a sequence of systems. The seed makes it repeatable. `fault` may be null.
//
// # Safety
// `state` must be null or memory for a state, `fault` null or memory for a fault.
SouthwellCode southwell_omega_init_f32(SouthwellOmega_f32 *state,
                                       float first,
                                       float last,
                                       uint64_t seed,
                                       SouthwellFault *fault);

// As `southwell_omega_init_f32`.
//
// # Safety
// As there.
SouthwellCode southwell_omega_init_f64(SouthwellOmega_f64 *state,
                                       double first,
                                       double last,
                                       uint64_t seed,
                                       SouthwellFault *fault);

// The default options for linear systems: relative tolerance 1e-5, 10 000 steps.
SouthwellOptions_f32 southwell_options_f32(void);

// The default options for linear systems: relative tolerance 1e-8, 10 000 steps.
SouthwellOptions_f64 southwell_options_f64(void);

// What a status means, in a few words; never null. Any number is allowed.
const char *southwell_status_text(int32_t status);

// Elements of workspace that SSOR-CG needs for a sparse or dense matrix of this order.
size_t southwell_ssor_cg_workspace(size_t order);

// Elements of workspace that SSOR-CG needs for a stencil on so many cells.
size_t southwell_ssor_cg_workspace_stencil(size_t cells);

// Elements of workspace that SOR needs for a sparse or dense matrix of this order.
size_t southwell_sor_workspace(size_t order);

// Elements of workspace that SOR needs for a stencil on so many cells.
size_t southwell_sor_workspace_stencil(size_t cells);

// Solves with a sparse matrix by conjugate gradients preconditioned by SSOR (symmetric positive definite).
// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one pass over the matrix.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_ssor_cg_csr_f32(const SouthwellCsrMatrix_f32 *matrix,
                                        const float *rhs,
                                        float *x,
                                        const SouthwellOptions_f32 *options,
                                        SouthwellOmega_f32 *omega,
                                        float *workspace,
                                        size_t workspace_len,
                                        SouthwellReport_f32 *report,
                                        SouthwellFault *fault);

// As `southwell_ssor_cg_csr_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_ssor_cg_csr_f64(const SouthwellCsrMatrix_f64 *matrix,
                                        const double *rhs,
                                        double *x,
                                        const SouthwellOptions_f64 *options,
                                        SouthwellOmega_f64 *omega,
                                        double *workspace,
                                        size_t workspace_len,
                                        SouthwellReport_f64 *report,
                                        SouthwellFault *fault);

// Solves with a dense matrix by conjugate gradients preconditioned by SSOR (symmetric positive definite).
// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one pass over the matrix.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_ssor_cg_dense_f32(const SouthwellDenseMatrix_f32 *matrix,
                                          const float *rhs,
                                          float *x,
                                          const SouthwellOptions_f32 *options,
                                          SouthwellOmega_f32 *omega,
                                          float *workspace,
                                          size_t workspace_len,
                                          SouthwellReport_f32 *report,
                                          SouthwellFault *fault);

// As `southwell_ssor_cg_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_ssor_cg_dense_f64(const SouthwellDenseMatrix_f64 *matrix,
                                          const double *rhs,
                                          double *x,
                                          const SouthwellOptions_f64 *options,
                                          SouthwellOmega_f64 *omega,
                                          double *workspace,
                                          size_t workspace_len,
                                          SouthwellReport_f64 *report,
                                          SouthwellFault *fault);

// Solves with a five-point stencil by conjugate gradients preconditioned by SSOR (symmetric positive definite).
// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one pass over the matrix.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_ssor_cg_stencil_f32(const SouthwellStencil_f32 *matrix,
                                            const float *rhs,
                                            float *x,
                                            const SouthwellOptions_f32 *options,
                                            SouthwellOmega_f32 *omega,
                                            float *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f32 *report,
                                            SouthwellFault *fault);

// As `southwell_ssor_cg_stencil_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_ssor_cg_stencil_f64(const SouthwellStencil_f64 *matrix,
                                            const double *rhs,
                                            double *x,
                                            const SouthwellOptions_f64 *options,
                                            SouthwellOmega_f64 *omega,
                                            double *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f64 *report,
                                            SouthwellFault *fault);

// Solves with a sparse matrix by successive over-relaxation, forward sweeps in the natural order.
// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one sweep.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sor_csr_f32(const SouthwellCsrMatrix_f32 *matrix,
                                    const float *rhs,
                                    float *x,
                                    const SouthwellOptions_f32 *options,
                                    SouthwellOmega_f32 *omega,
                                    float *workspace,
                                    size_t workspace_len,
                                    SouthwellReport_f32 *report,
                                    SouthwellFault *fault);

// As `southwell_sor_csr_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sor_csr_f64(const SouthwellCsrMatrix_f64 *matrix,
                                    const double *rhs,
                                    double *x,
                                    const SouthwellOptions_f64 *options,
                                    SouthwellOmega_f64 *omega,
                                    double *workspace,
                                    size_t workspace_len,
                                    SouthwellReport_f64 *report,
                                    SouthwellFault *fault);

// Solves with a dense matrix by successive over-relaxation, forward sweeps in the natural order.
// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one sweep.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sor_dense_f32(const SouthwellDenseMatrix_f32 *matrix,
                                      const float *rhs,
                                      float *x,
                                      const SouthwellOptions_f32 *options,
                                      SouthwellOmega_f32 *omega,
                                      float *workspace,
                                      size_t workspace_len,
                                      SouthwellReport_f32 *report,
                                      SouthwellFault *fault);

// As `southwell_sor_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sor_dense_f64(const SouthwellDenseMatrix_f64 *matrix,
                                      const double *rhs,
                                      double *x,
                                      const SouthwellOptions_f64 *options,
                                      SouthwellOmega_f64 *omega,
                                      double *workspace,
                                      size_t workspace_len,
                                      SouthwellReport_f64 *report,
                                      SouthwellFault *fault);

// Solves with a five-point stencil by successive over-relaxation, forward sweeps in the natural order.
// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one sweep.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sor_stencil_f32(const SouthwellStencil_f32 *matrix,
                                        const float *rhs,
                                        float *x,
                                        const SouthwellOptions_f32 *options,
                                        SouthwellOmega_f32 *omega,
                                        float *workspace,
                                        size_t workspace_len,
                                        SouthwellReport_f32 *report,
                                        SouthwellFault *fault);

// As `southwell_sor_stencil_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sor_stencil_f64(const SouthwellStencil_f64 *matrix,
                                        const double *rhs,
                                        double *x,
                                        const SouthwellOptions_f64 *options,
                                        SouthwellOmega_f64 *omega,
                                        double *workspace,
                                        size_t workspace_len,
                                        SouthwellReport_f64 *report,
                                        SouthwellFault *fault);

// The default options of Sinkhorn's iteration: relative tolerance 1e-5, 10 000 steps.
SouthwellOptions_f32 southwell_sinkhorn_options_f32(void);

// The default options of Sinkhorn's iteration: relative tolerance 1e-9, 10 000 steps.
SouthwellOptions_f64 southwell_sinkhorn_options_f64(void);

// Elements of workspace that Sinkhorn's iteration needs for so many rows and columns.
size_t southwell_sinkhorn_workspace(size_t rows, size_t columns);

// Finds potentials f (n of them) and g (m), from the g that is handed in (zeros do). The residual is the L1 error of
// both marginals, its scale the mass; a step reads the costs once. Lines without weight get −infinity.
// `options` may be null (defaults), `report` and `fault` too.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sinkhorn_f32(const SouthwellTransport_f32 *problem,
                                     float *f,
                                     float *g,
                                     const SouthwellOptions_f32 *options,
                                     float *workspace,
                                     size_t workspace_len,
                                     SouthwellReport_f32 *report,
                                     SouthwellFault *fault);

// Writes row `row` of the coupling that potentials stand for, m weights, to `out`.
//
// # Safety
// As `southwell_sinkhorn_f32`.
SouthwellCode southwell_coupling_row_f32(const SouthwellTransport_f32 *problem,
                                         size_t row,
                                         const float *f,
                                         const float *g,
                                         float *out,
                                         SouthwellFault *fault);

// As `southwell_sinkhorn_f32`.
// `options` may be null (defaults), `report` and `fault` too.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_sinkhorn_f64(const SouthwellTransport_f64 *problem,
                                     double *f,
                                     double *g,
                                     const SouthwellOptions_f64 *options,
                                     double *workspace,
                                     size_t workspace_len,
                                     SouthwellReport_f64 *report,
                                     SouthwellFault *fault);

// As `southwell_coupling_row_f32`.
//
// # Safety
// As `southwell_sinkhorn_f64`.
SouthwellCode southwell_coupling_row_f64(const SouthwellTransport_f64 *problem,
                                         size_t row,
                                         const double *f,
                                         const double *g,
                                         double *out,
                                         SouthwellFault *fault);

// Defined nowhere: a program in which some path can panic does not link.
extern void southwell_can_panic(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SOUTHWELL_H */
