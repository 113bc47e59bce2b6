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
  // A row or a column that must carry something has no entry to carry it with.
  SOUTHWELL_CODE_EMPTY_LINE = 19,
  // A lower bound lies above its upper bound.
  SOUTHWELL_CODE_BOUNDS = 20,
  // A matrix that must be symmetric is not.
  SOUTHWELL_CODE_ASYMMETRIC = 21,
  // A label is none of the classes.
  SOUTHWELL_CODE_LABEL = 22,
  // A matrix that must be positive definite is not.
  SOUTHWELL_CODE_INDEFINITE = 23,
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
  // No scaling exists: the entries of the matrix cannot carry the sums that were asked for.
  SOUTHWELL_STATUS_NO_SUPPORT = 6,
  // The iterate is a minimum, and a proof of it was found; the tolerance did not decide.
  SOUTHWELL_STATUS_OPTIMAL = 7,
  // Something that this version of the interface has no word for.
  SOUTHWELL_STATUS_UNKNOWN = 99,
} SouthwellStatus;

// How far the fit z = A w is from y.
typedef enum {
  // ½ ‖y − z‖².
  SOUTHWELL_LOSS_SQUARES = 0,
  // Σ log(1 + e^(−y_i z_i)), y_i = ±1.
  SOUTHWELL_LOSS_LOGISTIC = 1,
} SouthwellLoss;

// What keeps w small and sparse.
typedef enum {
  // λ ‖w‖₁.
  SOUTHWELL_PENALTY_LASSO = 0,
  // λ ‖w‖₁ + ½ ridge ‖w‖².
  SOUTHWELL_PENALTY_ELASTIC_NET = 1,
  // λ Σ w_j, with w not negative.
  SOUTHWELL_PENALTY_NON_NEGATIVE = 2,
  // λ Σ_g ‖w_g‖₂ over groups of consecutive columns.
  SOUTHWELL_PENALTY_GROUP = 3,
} SouthwellPenalty;

// Which variables a step moves.
typedef enum {
  // Those that promise the most, by all partial derivatives.
  SOUTHWELL_RULE_GREEDY = 0,
  // The next ones, in turn.
  SOUTHWELL_RULE_CYCLIC = 1,
} SouthwellRule;

// min f(x) + Σ l1 |x_i| + ½ l2 x_i² over lower ≤ x ≤ upper, f smooth and convex. Besides x a *state* is kept for f: any
// numbers that make one partial derivative cheap and are cheap to keep up when one variable moves, such as the residuals
// A x − y of least squares.
//
// The functions are called with `context` first. What they are handed does not overlap, and is theirs to use until they
// return. They must not unwind, nor write what the call itself reads or writes, and the same arguments must have the same
// answer.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Variables, at least one.
  size_t variables;
  // Numbers of a state; there are two of them, told apart by where they lie.
  size_t state_len;
  // With x, the number of variables, a state and its length: writes the state that belongs to x into all of it, whose
  // contents mean nothing before.
  void (*begin)(void*, const float*, size_t, float*, size_t);
  // With a variable, a change, a state and its length: brings the state to where x_i has grown by the change.
  void (*shift)(void*, size_t, float, float*, size_t);
  // With x, the number of variables, the state that belongs to x and its length: f(x).
  float (*value)(void*, const float*, size_t, const float*, size_t);
  // With a variable, a state and its length: ∂f/∂x_i.
  float (*partial)(void*, size_t, const float*, size_t);
  // Handed to them.
  void *context;
  // A bound of ∂²f/∂x_i² for all x, not negative, for every variable.
  const float *curvature;
  // Weight of |x_i|, not negative.
  float l1;
  // Weight of ½ x_i², not negative.
  float l2;
  // Lower bounds, one for every variable, minus infinity where there is none; null together with `upper` for no bounds.
  const float *lower;
  // Upper bounds.
  const float *upper;
  // One of SouthwellRule.
  uint32_t rule;
  // How many variables a step moves, from 1 to all.
  size_t block;
} SouthwellSmooth_f32;

// How a run proceeds.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Absolute tolerance, in units of the residual; not negative.
  float absolute;
  // Tolerance relative to the run's scale; not negative.
  float relative;
  // The over-relaxation, in (0, 2); 0 lets the method decide (SSOR-CG and SOR: 1; Sinkhorn: found on the way).
  // Not read where an omega is learned, and by methods that relax nothing.
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

// What a descent has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The objective at x.
  float objective;
} SouthwellSmoothFound_f32;

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

// min f(x) + Σ l1 |x_i| + ½ l2 x_i² over lower ≤ x ≤ upper, f smooth and convex. Besides x a *state* is kept for f: any
// numbers that make one partial derivative cheap and are cheap to keep up when one variable moves, such as the residuals
// A x − y of least squares.
//
// The functions are called with `context` first. What they are handed does not overlap, and is theirs to use until they
// return. They must not unwind, nor write what the call itself reads or writes, and the same arguments must have the same
// answer.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Variables, at least one.
  size_t variables;
  // Numbers of a state; there are two of them, told apart by where they lie.
  size_t state_len;
  // With x, the number of variables, a state and its length: writes the state that belongs to x into all of it, whose
  // contents mean nothing before.
  void (*begin)(void*, const double*, size_t, double*, size_t);
  // With a variable, a change, a state and its length: brings the state to where x_i has grown by the change.
  void (*shift)(void*, size_t, double, double*, size_t);
  // With x, the number of variables, the state that belongs to x and its length: f(x).
  double (*value)(void*, const double*, size_t, const double*, size_t);
  // With a variable, a state and its length: ∂f/∂x_i.
  double (*partial)(void*, size_t, const double*, size_t);
  // Handed to them.
  void *context;
  // A bound of ∂²f/∂x_i² for all x, not negative, for every variable.
  const double *curvature;
  // Weight of |x_i|, not negative.
  double l1;
  // Weight of ½ x_i², not negative.
  double l2;
  // Lower bounds, one for every variable, minus infinity where there is none; null together with `upper` for no bounds.
  const double *lower;
  // Upper bounds.
  const double *upper;
  // One of SouthwellRule.
  uint32_t rule;
  // How many variables a step moves, from 1 to all.
  size_t block;
} SouthwellSmooth_f64;

// How a run proceeds.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Absolute tolerance, in units of the residual; not negative.
  double absolute;
  // Tolerance relative to the run's scale; not negative.
  double relative;
  // The over-relaxation, in (0, 2); 0 lets the method decide (SSOR-CG and SOR: 1; Sinkhorn: found on the way).
  // Not read where an omega is learned, and by methods that relax nothing.
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

// What a descent has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The objective at x.
  double objective;
} SouthwellSmoothFound_f64;

// min ½ xᵀH x + fᵀx, lower ≤ x ≤ upper.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Variables n.
  size_t variables;
  // H by rows, n² numbers: symmetric, positive definite.
  const float *h;
  // H⁻¹ by rows, n² numbers; read by the prepared form alone.
  const float *inverse;
  // f, n numbers.
  const float *f;
  // Lower bounds, n numbers; −infinity is none.
  const float *lower;
  // Upper bounds, n numbers; +infinity is none; equal bounds fix a variable.
  const float *upper;
} SouthwellBoxQp_f32;

// What a run in a box has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The objective at x; in stages with the cost of x₀.
  float objective;
  // Variables at their lower bound.
  size_t at_lower;
  // Variables at their upper bound and not at their lower one.
  size_t at_upper;
  // 1 if the dual active-set method had to take over, 0 if the primal–dual one settled.
  uint32_t fell_back;
} SouthwellBoxFound_f32;

// min ½ xᵀH x + fᵀx, lower ≤ x ≤ upper.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Variables n.
  size_t variables;
  // H by rows, n² numbers: symmetric, positive definite.
  const double *h;
  // H⁻¹ by rows, n² numbers; read by the prepared form alone.
  const double *inverse;
  // f, n numbers.
  const double *f;
  // Lower bounds, n numbers; −infinity is none.
  const double *lower;
  // Upper bounds, n numbers; +infinity is none; equal bounds fix a variable.
  const double *upper;
} SouthwellBoxQp_f64;

// What a run in a box has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The objective at x; in stages with the cost of x₀.
  double objective;
  // Variables at their lower bound.
  size_t at_lower;
  // Variables at their upper bound and not at their lower one.
  size_t at_upper;
  // 1 if the dual active-set method had to take over, 0 if the primal–dual one settled.
  uint32_t fell_back;
} SouthwellBoxFound_f64;

// A plant with n states and m inputs, x⁺ = A x + B u, the costs ½ xᵀQ x + ½ uᵀR u of a stage and ½ xᵀP x of the last
// state; matrices by rows.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // States n.
  size_t states;
  // Inputs m.
  size_t inputs;
  // Stages N; not read where a terminal cost is made.
  size_t horizon;
  // A, n × n.
  const float *a;
  // B, n × m.
  const float *b;
  // Q, n × n, symmetric positive semidefinite.
  const float *q;
  // R, m × m, symmetric positive definite.
  const float *r;
  // P, n × n, symmetric positive semidefinite; not read where it is made.
  const float *p;
} SouthwellPlant_f32;

// A plant at a state, and what its inputs may be: the variables are the inputs, stage after stage, N m of them.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // The plant.
  const SouthwellPlant_f32 *plant;
  // The state that it is in, n numbers.
  const float *x0;
  // Lower bounds of the inputs of every stage, N m numbers; −infinity is none.
  const float *lower;
  // Upper bounds, N m numbers; +infinity is none.
  const float *upper;
} SouthwellControl_f32;

// A plant with n states and m inputs, x⁺ = A x + B u, the costs ½ xᵀQ x + ½ uᵀR u of a stage and ½ xᵀP x of the last
// state; matrices by rows.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // States n.
  size_t states;
  // Inputs m.
  size_t inputs;
  // Stages N; not read where a terminal cost is made.
  size_t horizon;
  // A, n × n.
  const double *a;
  // B, n × m.
  const double *b;
  // Q, n × n, symmetric positive semidefinite.
  const double *q;
  // R, m × m, symmetric positive definite.
  const double *r;
  // P, n × n, symmetric positive semidefinite; not read where it is made.
  const double *p;
} SouthwellPlant_f64;

// A plant at a state, and what its inputs may be: the variables are the inputs, stage after stage, N m of them.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // The plant.
  const SouthwellPlant_f64 *plant;
  // The state that it is in, n numbers.
  const double *x0;
  // Lower bounds of the inputs of every stage, N m numbers; −infinity is none.
  const double *lower;
  // Upper bounds, N m numbers; +infinity is none.
  const double *upper;
} SouthwellControl_f64;

// Raw samples, and the strength of the field that they are of.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Samples, at least nine.
  size_t count;
  // Three numbers a sample.
  const float *values;
  // The strength F of the field, in the unit that is wanted for calibrated values; positive.
  float field;
} SouthwellSamples_f32;

// What was found: calibrated h = correction · (x − offset). Matrices by rows.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The hard-iron offset, in the unit of the samples.
  float offset[3];
  // The inverse of the soft-iron matrix.
  float correction[3][3];
  // The soft-iron matrix, symmetric positive definite.
  float soft_iron[3][3];
  // Samples whose calibrated length is within four standard deviations of F: refuse the result where they are few.
  size_t agreeing;
  // That standard deviation, from the median one, in the unit of the field.
  float deviation;
  // The mean weighted deviation of the lengths, relative to F.
  float value;
} SouthwellCalibration_f32;

// Raw samples, and the strength of the field that they are of.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Samples, at least nine.
  size_t count;
  // Three numbers a sample.
  const double *values;
  // The strength F of the field, in the unit that is wanted for calibrated values; positive.
  double field;
} SouthwellSamples_f64;

// What was found: calibrated h = correction · (x − offset). Matrices by rows.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The hard-iron offset, in the unit of the samples.
  double offset[3];
  // The inverse of the soft-iron matrix.
  double correction[3][3];
  // The soft-iron matrix, symmetric positive definite.
  double soft_iron[3][3];
  // Samples whose calibrated length is within four standard deviations of F: refuse the result where they are few.
  size_t agreeing;
  // That standard deviation, from the median one, in the unit of the field.
  double deviation;
  // The mean weighted deviation of the lengths, relative to F.
  double value;
} SouthwellCalibration_f64;

// min Σ w_i ρ_q(y_i − x_iᵀβ), ρ_q(r) = q r for r ≥ 0 and (q − 1) r below: q = ½: least absolute deviations.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows n.
  size_t rows;
  // Columns p: coefficients.
  size_t columns;
  // X by rows, entry (i, j) at `i·columns + j`.
  const float *x;
  // Targets, n numbers.
  const float *y;
  // A weight for every row, not negative; null for 1.
  const float *weights;
  // q between 0 and 1.
  float quantile;
  // Other than 0: a lower bound is formed on the way (2 n more elements of workspace), for data so degenerate that
  // no vertex proves anything.
  uint32_t bound;
} SouthwellFit_f32;

// What a fit has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The value of β.
  float value;
  // No fit has a smaller value than this.
  float lower_bound;
  // The step at which β was seen.
  uint32_t seen_at;
  // 1 if β is proven to be a minimum.
  uint32_t optimal;
} SouthwellFitFound_f32;

// min Σ w_i ρ_q(y_i − x_iᵀβ), ρ_q(r) = q r for r ≥ 0 and (q − 1) r below: q = ½: least absolute deviations.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows n.
  size_t rows;
  // Columns p: coefficients.
  size_t columns;
  // X by rows, entry (i, j) at `i·columns + j`.
  const double *x;
  // Targets, n numbers.
  const double *y;
  // A weight for every row, not negative; null for 1.
  const double *weights;
  // q between 0 and 1.
  double quantile;
  // Other than 0: a lower bound is formed on the way (2 n more elements of workspace), for data so degenerate that
  // no vertex proves anything.
  uint32_t bound;
} SouthwellFit_f64;

// What a fit has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The value of β.
  double value;
  // No fit has a smaller value than this.
  double lower_bound;
  // The step at which β was seen.
  uint32_t seen_at;
  // 1 if β is proven to be a minimum.
  uint32_t optimal;
} SouthwellFitFound_f64;

// What was learned about omega so far, in single precision. Copy it to remember, restore it to forget.
typedef struct {
  // Set by `southwell_omega_init_f32`.
  size_t mark;
  // The library's business.
  uint64_t state[72];
} SouthwellOmega_f32;

// What was learned about omega so far, in double precision. Copy it to remember, restore it to forget.
typedef struct {
  // Set by `southwell_omega_init_f64`.
  size_t mark;
  // The library's business.
  uint64_t state[136];
} SouthwellOmega_f64;

// A symmetric positive definite matrix that is not stored: a function that multiplies by it.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows, and columns.
  size_t order;
  // Called with `context`, x, y and the order: writes A x into all of y, whose contents mean nothing before. The two
  // do not overlap, and are its to use until it returns. It must not unwind, nor write what the call itself reads or
  // writes.
  void (*apply)(void*, const float*, float*, size_t);
  // Handed to `apply`.
  void *context;
} SouthwellOperator_f32;

// A symmetric positive definite matrix that is not stored: a function that multiplies by it.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Rows, and columns.
  size_t order;
  // Called with `context`, x, y and the order: writes A x into all of y, whose contents mean nothing before. The two
  // do not overlap, and are its to use until it returns. It must not unwind, nor write what the call itself reads or
  // writes.
  void (*apply)(void*, const double*, double*, size_t);
  // Handed to `apply`.
  void *context;
} SouthwellOperator_f64;

// A convex function, in a box or without one.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Unknowns, at least one.
  size_t dimension;
  // Called with `context`, x, g and the number of unknowns: writes a sub-gradient at x into all of g, whose contents
  // mean nothing before, and returns the value at x. The two do not overlap, and are its to use until it returns. It
  // must not unwind, nor write what the call itself reads or writes.
  float (*evaluate)(void*, const float*, float*, size_t);
  // Handed to `evaluate`.
  void *context;
  // Lower bounds, one for every unknown; null together with `upper` for the whole space.
  const float *lower;
  // Upper bounds.
  const float *upper;
  // How long the first step is, positive; step t, counted from 0, is that over √(t + 1). Not read with `least`.
  float length;
  // The least value, where it is known: then steps are Polyak's, which need no length. Minus infinity elsewhere.
  float least;
} SouthwellFunction_f32;

// What a minimisation has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The least value seen: that of the x that is left.
  float value;
  // The step at which it was seen; 0 is the start.
  uint32_t seen_at;
} SouthwellFunctionFound_f32;

// A convex function, in a box or without one.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Unknowns, at least one.
  size_t dimension;
  // Called with `context`, x, g and the number of unknowns: writes a sub-gradient at x into all of g, whose contents
  // mean nothing before, and returns the value at x. The two do not overlap, and are its to use until it returns. It
  // must not unwind, nor write what the call itself reads or writes.
  double (*evaluate)(void*, const double*, double*, size_t);
  // Handed to `evaluate`.
  void *context;
  // Lower bounds, one for every unknown; null together with `upper` for the whole space.
  const double *lower;
  // Upper bounds.
  const double *upper;
  // How long the first step is, positive; step t, counted from 0, is that over √(t + 1). Not read with `least`.
  double length;
  // The least value, where it is known: then steps are Polyak's, which need no length. Minus infinity elsewhere.
  double least;
} SouthwellFunction_f64;

// What a minimisation has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The least value seen: that of the x that is left.
  double value;
  // The step at which it was seen; 0 is the start.
  uint32_t seen_at;
} SouthwellFunctionFound_f64;

// How a recovery begins, and when it ends besides what the options say. Zeros are no defaults: begin with
// `southwell_recovery_start_f32`.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // The size of the start, positive; 1e-3. Smaller ones lower the floor where the rank is over-estimated.
  float alpha;
  // The run ends when the value is no larger; 0.
  float target;
  // Seed of the random numbers of the start; 1.
  uint64_t seed;
  // The run ends after so many steps without a lower value; 1000.
  uint32_t patience;
} SouthwellRecoveryStart_f32;

// How a recovery begins, and when it ends besides what the options say. Zeros are no defaults: begin with
// `southwell_recovery_start_f32`.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // The size of the start, positive; 1e-3. Smaller ones lower the floor where the rank is over-estimated.
  double alpha;
  // The run ends when the value is no larger; 0.
  double target;
  // Seed of the random numbers of the start; 1.
  uint64_t seed;
  // The run ends after so many steps without a lower value; 1000.
  uint32_t patience;
} SouthwellRecoveryStart_f64;

// Measurements y_i = ⟨A_i, X⟩ + s_i of a matrix X = U Uᵀ or U Vᵀ; what the A_i are made of is said by the function.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Measurements m.
  size_t count;
  // Rows d₁ of X.
  size_t rows;
  // Columns d₂ of X.
  size_t columns;
  // Columns of the factors: X has no larger rank.
  size_t rank;
  // Other than 0: X = U Uᵀ, d₁ = d₂, and there is no V.
  uint32_t symmetric;
  // The measurements, m numbers.
  const float *y;
  // Dense: the A_i by rows, m d₁ d₂ numbers. Rank one: the a_i, m d₁ numbers (A_i = a_i a_iᵀ). Bilinear: the a_i,
  // m d₁ numbers (A_i = a_i b_iᵀ). Entries: not read.
  const float *a;
  // Bilinear: the b_i, m d₂ numbers. Elsewhere not read.
  const float *b;
  // Entries: the row of every measurement, m numbers. Elsewhere not read.
  const uint32_t *row_of;
  // Entries: the column of every measurement, m numbers. Elsewhere not read.
  const uint32_t *column_of;
} SouthwellMeasurements_f32;

// What a recovery has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // (1/m) Σ |⟨A_i, X⟩ − y_i| of the factors that are left, the lowest seen.
  float value;
  // The step after which they were seen.
  uint32_t found_at;
  // The rank that the factors show.
  size_t rank;
} SouthwellRecoveryFound_f32;

// Measurements y_i = ⟨A_i, X⟩ + s_i of a matrix X = U Uᵀ or U Vᵀ; what the A_i are made of is said by the function.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Measurements m.
  size_t count;
  // Rows d₁ of X.
  size_t rows;
  // Columns d₂ of X.
  size_t columns;
  // Columns of the factors: X has no larger rank.
  size_t rank;
  // Other than 0: X = U Uᵀ, d₁ = d₂, and there is no V.
  uint32_t symmetric;
  // The measurements, m numbers.
  const double *y;
  // Dense: the A_i by rows, m d₁ d₂ numbers. Rank one: the a_i, m d₁ numbers (A_i = a_i a_iᵀ). Bilinear: the a_i,
  // m d₁ numbers (A_i = a_i b_iᵀ). Entries: not read.
  const double *a;
  // Bilinear: the b_i, m d₂ numbers. Elsewhere not read.
  const double *b;
  // Entries: the row of every measurement, m numbers. Elsewhere not read.
  const uint32_t *row_of;
  // Entries: the column of every measurement, m numbers. Elsewhere not read.
  const uint32_t *column_of;
} SouthwellMeasurements_f64;

// What a recovery has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // (1/m) Σ |⟨A_i, X⟩ − y_i| of the factors that are left, the lowest seen.
  double value;
  // The step after which they were seen.
  uint32_t found_at;
  // The rank that the factors show.
  size_t rank;
} SouthwellRecoveryFound_f64;

// A dense matrix by columns, entry (i, j) at `j·rows + i`: samples are rows, features columns.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Samples n.
  size_t rows;
  // Features p.
  size_t columns;
  // The entries, n p of them.
  const float *values;
} SouthwellDenseDesign_f32;

// min loss(A w; y) + penalty(w) for a design A with n rows and p columns.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Targets, or labels of a logistic loss; n of them.
  const float *y;
  // One of SouthwellLoss.
  uint32_t loss;
  // One of SouthwellPenalty.
  uint32_t penalty;
  // λ, positive.
  float lambda;
  // Weight of the square in an elastic net, not negative; not read elsewhere.
  float ridge;
  // Where each group begins, and p at the end, `groups_len` numbers; not read without groups.
  const uint32_t *groups;
  // Groups and one.
  size_t groups_len;
  // A positive weight that multiplies λ, for every column or group; null for 1.
  const float *weights;
  // Other than 0: the loss is divided by n.
  uint32_t averaged;
  // Other than 0: a constant is fitted as well, and not penalised.
  uint32_t intercept;
  // Columns that the working set holds at most: twice the non-zeros of the solution are enough, p always.
  size_t capacity;
} SouthwellRegression_f32;

// What a regression has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The objective at w.
  float primal;
  // A lower bound of every objective; the difference is the residual.
  float dual;
  // The constant of the fit, 0 without one.
  float intercept;
  // Elements of w that are not 0.
  size_t nonzeros;
  // Columns in the working set at the end.
  size_t working_set;
} SouthwellRegressionFound_f32;

// A dense matrix by columns, entry (i, j) at `j·rows + i`: samples are rows, features columns.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Samples n.
  size_t rows;
  // Features p.
  size_t columns;
  // The entries, n p of them.
  const double *values;
} SouthwellDenseDesign_f64;

// min loss(A w; y) + penalty(w) for a design A with n rows and p columns.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Targets, or labels of a logistic loss; n of them.
  const double *y;
  // One of SouthwellLoss.
  uint32_t loss;
  // One of SouthwellPenalty.
  uint32_t penalty;
  // λ, positive.
  double lambda;
  // Weight of the square in an elastic net, not negative; not read elsewhere.
  double ridge;
  // Where each group begins, and p at the end, `groups_len` numbers; not read without groups.
  const uint32_t *groups;
  // Groups and one.
  size_t groups_len;
  // A positive weight that multiplies λ, for every column or group; null for 1.
  const double *weights;
  // Other than 0: the loss is divided by n.
  uint32_t averaged;
  // Other than 0: a constant is fitted as well, and not penalised.
  uint32_t intercept;
  // Columns that the working set holds at most: twice the non-zeros of the solution are enough, p always.
  size_t capacity;
} SouthwellRegression_f64;

// What a regression has to say beyond its report.
typedef struct {
  // sizeof of this struct, set by the caller before the call.
  size_t size;
  // The objective at w.
  double primal;
  // A lower bound of every objective; the difference is the residual.
  double dual;
  // The constant of the fit, 0 without one.
  double intercept;
  // Elements of w that are not 0.
  size_t nonzeros;
  // Columns in the working set at the end.
  size_t working_set;
} SouthwellRegressionFound_f64;

// A sparse matrix by columns: column j holds entries `offsets[j]` to `offsets[j + 1]` of `indices` and `values`,
// rows increasing within a column.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Samples n.
  size_t rows;
  // Features p.
  size_t columns;
  // Where columns begin, `columns + 1` of them; the last is the number of entries.
  const uint32_t *offsets;
  // The row of every entry.
  const uint32_t *indices;
  // The value of every entry.
  const float *values;
} SouthwellSparseDesign_f32;

// A sparse matrix by columns: column j holds entries `offsets[j]` to `offsets[j + 1]` of `indices` and `values`,
// rows increasing within a column.
typedef struct {
  // sizeof of this struct.
  size_t size;
  // Samples n.
  size_t rows;
  // Features p.
  size_t columns;
  // Where columns begin, `columns + 1` of them; the last is the number of entries.
  const uint32_t *offsets;
  // The row of every entry.
  const uint32_t *indices;
  // The value of every entry.
  const double *values;
} SouthwellSparseDesign_f64;

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

// Elements of workspace that a descent over so many variables needs, with a state of so many numbers and steps of so many
// variables: enough for every rule.
size_t southwell_descend_workspace(size_t variables,
                                   size_t state_len,
                                   size_t block);

// Indices of workspace that it needs.
size_t southwell_descend_indices(size_t block);

// Minimises a smooth function of the caller's own from the x that is handed in (moved into its bounds) by block coordinate
// descent with proximal steps. The residual is the largest violation of the optimality conditions; its scale is that of
// the start. The greedy rule asks for all partial derivatives in every step, the cyclic one for those of its block, and for
// all at every look. A function that is not finite ends as SOUTHWELL_STATUS_NOT_FINITE. `options`, `report`, `found` and
// `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_descend_f32(const SouthwellSmooth_f32 *smooth,
                                    float *x,
                                    const SouthwellOptions_f32 *options,
                                    float *workspace,
                                    size_t workspace_len,
                                    uint32_t *indices,
                                    size_t indices_len,
                                    SouthwellReport_f32 *report,
                                    SouthwellSmoothFound_f32 *found,
                                    SouthwellFault *fault);

// As `southwell_descend_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_descend_f64(const SouthwellSmooth_f64 *smooth,
                                    double *x,
                                    const SouthwellOptions_f64 *options,
                                    double *workspace,
                                    size_t workspace_len,
                                    uint32_t *indices,
                                    size_t indices_len,
                                    SouthwellReport_f64 *report,
                                    SouthwellSmoothFound_f64 *found,
                                    SouthwellFault *fault);

// The default options of programs in a box: relative tolerance 1e-4, 200 steps.
SouthwellOptions_f32 southwell_box_qp_options_f32(void);

// The default options of programs in a box: relative tolerance 1e-8, 200 steps.
SouthwellOptions_f64 southwell_box_qp_options_f64(void);

// Elements of workspace that the condensed form needs for so many variables.
size_t southwell_box_qp_condensed_workspace(size_t variables);

// Elements of workspace that the prepared form needs for so many variables.
size_t southwell_box_qp_prepared_workspace(size_t variables);

// Elements of workspace that control in stages needs.
size_t southwell_box_qp_staged_workspace(size_t states, size_t inputs, size_t horizon);

// Solves with H, which is factorised for the free variables where their set changes. x holds where to begin (what
// lies outside of the box is moved to its bound; the answer of the problem before is a good start) and then the
// answer. The residual is the largest violation of the optimality conditions, its scale max |f| + |H x| at the
// start; a step is one minimisation over the free variables. `options`, `report`, `found` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_condensed_f32(const SouthwellBoxQp_f32 *problem,
                                             float *x,
                                             const SouthwellOptions_f32 *options,
                                             float *workspace,
                                             size_t workspace_len,
                                             SouthwellReport_f32 *report,
                                             SouthwellBoxFound_f32 *found,
                                             SouthwellFault *fault);

// As `southwell_box_qp_condensed_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_condensed_f64(const SouthwellBoxQp_f64 *problem,
                                             double *x,
                                             const SouthwellOptions_f64 *options,
                                             double *workspace,
                                             size_t workspace_len,
                                             SouthwellReport_f64 *report,
                                             SouthwellBoxFound_f64 *found,
                                             SouthwellFault *fault);

// As `southwell_box_qp_condensed_f32`, with H⁻¹ at hand (`southwell_box_qp_invert_f32` makes it): the fewest
// operations where H stays and f changes.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_prepared_f32(const SouthwellBoxQp_f32 *problem,
                                            float *x,
                                            const SouthwellOptions_f32 *options,
                                            float *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f32 *report,
                                            SouthwellBoxFound_f32 *found,
                                            SouthwellFault *fault);

// As `southwell_box_qp_prepared_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_prepared_f64(const SouthwellBoxQp_f64 *problem,
                                            double *x,
                                            const SouthwellOptions_f64 *options,
                                            double *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f64 *report,
                                            SouthwellBoxFound_f64 *found,
                                            SouthwellFault *fault);

// One step of model predictive control in stages: H is never formed, nothing is prepared, and the cost is linear in
// the horizon. x holds the inputs of all stages, N m of them, to begin with (`southwell_box_qp_shift_f32` makes them
// of those of the step before) and then the answer, of which the first m are applied. Residual, step and what may
// be null: as `southwell_box_qp_condensed_f32`; the scale is the largest |R u| + |B|ᵀ|λ|.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_staged_f32(const SouthwellControl_f32 *control,
                                          float *x,
                                          const SouthwellOptions_f32 *options,
                                          float *workspace,
                                          size_t workspace_len,
                                          SouthwellReport_f32 *report,
                                          SouthwellBoxFound_f32 *found,
                                          SouthwellFault *fault);

// As `southwell_box_qp_staged_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_staged_f64(const SouthwellControl_f64 *control,
                                          double *x,
                                          const SouthwellOptions_f64 *options,
                                          double *workspace,
                                          size_t workspace_len,
                                          SouthwellReport_f64 *report,
                                          SouthwellBoxFound_f64 *found,
                                          SouthwellFault *fault);

// The default options of a calibration: relative step 1e-5, 100 steps.
SouthwellOptions_f32 southwell_calibrate_options_f32(void);

// The default options of a calibration: relative step 1e-8, 100 steps.
SouthwellOptions_f64 southwell_calibrate_options_f64(void);

// Elements of workspace that a calibration needs, however many samples there are.
size_t southwell_calibrate_workspace(void);

// Finds the ellipsoid on which samples lie, by weighted geometric absolute deviations. The residual is the length of
// the last step; a step reads the samples once. SOUTHWELL_STATUS_BREAKDOWN says that no ellipsoid was found; what is
// stored is then a sphere about the medians. `options`, `report` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_calibrate_f32(const SouthwellSamples_f32 *samples,
                                      const SouthwellOptions_f32 *options,
                                      float *workspace,
                                      size_t workspace_len,
                                      SouthwellCalibration_f32 *found,
                                      SouthwellReport_f32 *report,
                                      SouthwellFault *fault);

// As `southwell_calibrate_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_calibrate_f64(const SouthwellSamples_f64 *samples,
                                      const SouthwellOptions_f64 *options,
                                      double *workspace,
                                      size_t workspace_len,
                                      SouthwellCalibration_f64 *found,
                                      SouthwellReport_f64 *report,
                                      SouthwellFault *fault);

// What a code means, in a few words; never null. Any number is allowed.
const char *southwell_code_text(int32_t code);

// Elements of workspace that a terminal cost needs.
size_t southwell_box_qp_terminal_workspace(size_t states, size_t inputs);

// Elements of workspace that condensing needs.
size_t southwell_box_qp_condense_workspace(size_t states, size_t inputs, size_t horizon);

// Writes the cost P of the last state, n × n, that stands for an endless horizon without bounds, by Riccati's
// iteration from Q. The residual is the largest change of an entry, its scale the largest entry. `options` (relative
// tolerance and steps), `report` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_terminal_f32(const SouthwellPlant_f32 *plant,
                                            float *p,
                                            const SouthwellOptions_f32 *options,
                                            float *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f32 *report,
                                            SouthwellFault *fault);

// Writes H, (N m)² numbers by rows, and f, N m numbers, of a plant in a state: the condensed form. H does not depend
// on the state, and f is linear in it. Cost: N m + 1 gradients.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_condense_f32(const SouthwellPlant_f32 *plant,
                                            const float *x0,
                                            float *h,
                                            float *f,
                                            float *workspace,
                                            size_t workspace_len,
                                            SouthwellFault *fault);

// Writes H⁻¹ of an H of so many variables, for the prepared form. The workspace holds n² elements. An H that is
// symmetric and yet not positive definite is refused as SOUTHWELL_CODE_INDEFINITE; the inverse is of no use then.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_invert_f32(const float *h,
                                          size_t variables,
                                          float *inverse,
                                          float *workspace,
                                          size_t workspace_len,
                                          SouthwellFault *fault);

// Moves the inputs of all stages, `len` of them and `inputs` a stage, one stage forward, the last one staying: the
// start of the next step.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_shift_f32(float *x,
                                         size_t len,
                                         size_t inputs,
                                         SouthwellFault *fault);

// As `southwell_box_qp_terminal_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_terminal_f64(const SouthwellPlant_f64 *plant,
                                            double *p,
                                            const SouthwellOptions_f64 *options,
                                            double *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f64 *report,
                                            SouthwellFault *fault);

// As `southwell_box_qp_condense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_condense_f64(const SouthwellPlant_f64 *plant,
                                            const double *x0,
                                            double *h,
                                            double *f,
                                            double *workspace,
                                            size_t workspace_len,
                                            SouthwellFault *fault);

// As `southwell_box_qp_invert_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_invert_f64(const double *h,
                                          size_t variables,
                                          double *inverse,
                                          double *workspace,
                                          size_t workspace_len,
                                          SouthwellFault *fault);

// As `southwell_box_qp_shift_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_box_qp_shift_f64(double *x, size_t len, size_t inputs, SouthwellFault *fault);

// The default options of fits: relative step 1e-5, 10 000 steps.
SouthwellOptions_f32 southwell_fit_options_f32(void);

// The default options of fits: relative step 1e-8, 10 000 steps.
SouthwellOptions_f64 southwell_fit_options_f64(void);

// Elements of workspace that a fit of n rows and p columns needs; `bound` as in the problem.
size_t southwell_fit_workspace(size_t rows, size_t columns, uint32_t bound);

// Indices of workspace that a fit, or a proof, needs for p columns.
size_t southwell_fit_indices(size_t columns);

// Elements of workspace that a proof needs for p columns.
size_t southwell_fit_certify_workspace(size_t columns);

// Fits from the least-squares fit, by sub-gradient steps whose best points are taken to the vertex nearby: where that
// is a minimum the run ends as SOUTHWELL_STATUS_OPTIMAL, and β is exact to rounding. The residual is the length of
// the last step; a step reads X once. `options`, `report`, `found` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_fit_f32(const SouthwellFit_f32 *problem,
                                float *beta,
                                const SouthwellOptions_f32 *options,
                                float *workspace,
                                size_t workspace_len,
                                uint32_t *indices,
                                size_t indices_len,
                                SouthwellReport_f32 *report,
                                SouthwellFitFound_f32 *found,
                                SouthwellFault *fault);

// As `southwell_fit_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_fit_f64(const SouthwellFit_f64 *problem,
                                double *beta,
                                const SouthwellOptions_f64 *options,
                                double *workspace,
                                size_t workspace_len,
                                uint32_t *indices,
                                size_t indices_len,
                                SouthwellReport_f64 *report,
                                SouthwellFitFound_f64 *found,
                                SouthwellFault *fault);

// Goes to the vertex near any β, if its value is not larger, and says whether that is proven to be a minimum, and how
// small a value can be. `found` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_fit_certify_f32(const SouthwellFit_f32 *problem,
                                        float *beta,
                                        float *workspace,
                                        size_t workspace_len,
                                        uint32_t *indices,
                                        size_t indices_len,
                                        SouthwellFitFound_f32 *found,
                                        SouthwellFault *fault);

// As `southwell_fit_certify_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_fit_certify_f64(const SouthwellFit_f64 *problem,
                                        double *beta,
                                        double *workspace,
                                        size_t workspace_len,
                                        uint32_t *indices,
                                        size_t indices_len,
                                        SouthwellFitFound_f64 *found,
                                        SouthwellFault *fault);

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

// Elements of workspace that conjugate gradients need for an operator of this order.
size_t southwell_cg_workspace(size_t order);

// Elements of workspace that a function of so many unknowns needs.
size_t southwell_minimise_workspace(size_t dimension);

// Solves A x = b from the x that is handed in by conjugate gradients, without a preconditioner: one call of the
// operator a step, one more at the start and where convergence is confirmed. An operator that is not positive definite ends
// as SOUTHWELL_STATUS_BREAKDOWN, one that writes NaN or an infinity as SOUTHWELL_STATUS_NOT_FINITE. `options`, `report` and
// `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_cg_f32(const SouthwellOperator_f32 *operator_,
                               const float *rhs,
                               float *x,
                               const SouthwellOptions_f32 *options,
                               float *workspace,
                               size_t workspace_len,
                               SouthwellReport_f32 *report,
                               SouthwellFault *fault);

// As `southwell_cg_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_cg_f64(const SouthwellOperator_f64 *operator_,
                               const double *rhs,
                               double *x,
                               const SouthwellOptions_f64 *options,
                               double *workspace,
                               size_t workspace_len,
                               SouthwellReport_f64 *report,
                               SouthwellFault *fault);

// Minimises a function from the x that is handed in by the projected sub-gradient method: x is the best point that was
// seen. One call of the function a step. The residual is the length of the last step; a value that is not finite ends as
// SOUTHWELL_STATUS_NOT_FINITE. `options`, `report`, `found` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_minimise_f32(const SouthwellFunction_f32 *function,
                                     float *x,
                                     const SouthwellOptions_f32 *options,
                                     float *workspace,
                                     size_t workspace_len,
                                     SouthwellReport_f32 *report,
                                     SouthwellFunctionFound_f32 *found,
                                     SouthwellFault *fault);

// As `southwell_minimise_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_minimise_f64(const SouthwellFunction_f64 *function,
                                     double *x,
                                     const SouthwellOptions_f64 *options,
                                     double *workspace,
                                     size_t workspace_len,
                                     SouthwellReport_f64 *report,
                                     SouthwellFunctionFound_f64 *found,
                                     SouthwellFault *fault);

// The default options of recoveries: relative step 1e-5, 10 000 steps.
SouthwellOptions_f32 southwell_recovery_options_f32(void);

// The default options of recoveries: relative step 1e-8, 10 000 steps.
SouthwellOptions_f64 southwell_recovery_options_f64(void);

// The default start of recoveries.
SouthwellRecoveryStart_f32 southwell_recovery_start_f32(void);

// The default start of recoveries.
SouthwellRecoveryStart_f64 southwell_recovery_start_f64(void);

// Elements of the factors: U column after column, d₁ numbers each, and then V likewise.
size_t southwell_recovery_unknowns(size_t rows, size_t columns, size_t rank, uint32_t symmetric);

// Elements of workspace that a recovery from measurements of dense matrices needs.
size_t southwell_recovery_dense_workspace(size_t rows, size_t columns, size_t rank, uint32_t symmetric);

// Elements of workspace that a recovery from measurements of the form a aᵀ needs.
size_t southwell_recovery_rank_one_workspace(size_t rows, size_t columns, size_t rank, uint32_t symmetric);

// Elements of workspace that a recovery from measurements of the form a bᵀ needs.
size_t southwell_recovery_bilinear_workspace(size_t rows, size_t columns, size_t rank, uint32_t symmetric);

// Elements of workspace that a recovery from measurements of single entries needs.
size_t southwell_recovery_entries_workspace(size_t rows, size_t columns, size_t rank, uint32_t symmetric);

// Recovers X from measurements by dense matrices A_i; x receives the factors, the best that were seen, from a start near
// zero that the measurements suggest. The residual is the relative length of the next step; a step is one pass over
// the measurements. Look at the value in `found` beside what measurements are known to be off by: a run can end at a
// wrong point. `start` (defaults), `options`, `report`, `found` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_dense_f32(const SouthwellMeasurements_f32 *measurements,
                                          const SouthwellRecoveryStart_f32 *start,
                                          float *x,
                                          const SouthwellOptions_f32 *options,
                                          float *workspace,
                                          size_t workspace_len,
                                          SouthwellReport_f32 *report,
                                          SouthwellRecoveryFound_f32 *found,
                                          SouthwellFault *fault);

// As `southwell_recover_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_dense_f64(const SouthwellMeasurements_f64 *measurements,
                                          const SouthwellRecoveryStart_f64 *start,
                                          double *x,
                                          const SouthwellOptions_f64 *options,
                                          double *workspace,
                                          size_t workspace_len,
                                          SouthwellReport_f64 *report,
                                          SouthwellRecoveryFound_f64 *found,
                                          SouthwellFault *fault);

// As `southwell_recover_dense_f32`, from measurements y_i = a_iᵀ X a_i.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_rank_one_f32(const SouthwellMeasurements_f32 *measurements,
                                             const SouthwellRecoveryStart_f32 *start,
                                             float *x,
                                             const SouthwellOptions_f32 *options,
                                             float *workspace,
                                             size_t workspace_len,
                                             SouthwellReport_f32 *report,
                                             SouthwellRecoveryFound_f32 *found,
                                             SouthwellFault *fault);

// As `southwell_recover_rank_one_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_rank_one_f64(const SouthwellMeasurements_f64 *measurements,
                                             const SouthwellRecoveryStart_f64 *start,
                                             double *x,
                                             const SouthwellOptions_f64 *options,
                                             double *workspace,
                                             size_t workspace_len,
                                             SouthwellReport_f64 *report,
                                             SouthwellRecoveryFound_f64 *found,
                                             SouthwellFault *fault);

// As `southwell_recover_dense_f32`, from measurements y_i = a_iᵀ X b_i.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_bilinear_f32(const SouthwellMeasurements_f32 *measurements,
                                             const SouthwellRecoveryStart_f32 *start,
                                             float *x,
                                             const SouthwellOptions_f32 *options,
                                             float *workspace,
                                             size_t workspace_len,
                                             SouthwellReport_f32 *report,
                                             SouthwellRecoveryFound_f32 *found,
                                             SouthwellFault *fault);

// As `southwell_recover_bilinear_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_bilinear_f64(const SouthwellMeasurements_f64 *measurements,
                                             const SouthwellRecoveryStart_f64 *start,
                                             double *x,
                                             const SouthwellOptions_f64 *options,
                                             double *workspace,
                                             size_t workspace_len,
                                             SouthwellReport_f64 *report,
                                             SouthwellRecoveryFound_f64 *found,
                                             SouthwellFault *fault);

// As `southwell_recover_dense_f32`, from entries of X.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_entries_f32(const SouthwellMeasurements_f32 *measurements,
                                            const SouthwellRecoveryStart_f32 *start,
                                            float *x,
                                            const SouthwellOptions_f32 *options,
                                            float *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f32 *report,
                                            SouthwellRecoveryFound_f32 *found,
                                            SouthwellFault *fault);

// As `southwell_recover_entries_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_recover_entries_f64(const SouthwellMeasurements_f64 *measurements,
                                            const SouthwellRecoveryStart_f64 *start,
                                            double *x,
                                            const SouthwellOptions_f64 *options,
                                            double *workspace,
                                            size_t workspace_len,
                                            SouthwellReport_f64 *report,
                                            SouthwellRecoveryFound_f64 *found,
                                            SouthwellFault *fault);

// The default options of sparse regression: relative gap 1e-5, 1000 steps.
SouthwellOptions_f32 southwell_regression_options_f32(void);

// The default options of sparse regression: relative gap 1e-6, 1000 steps.
SouthwellOptions_f64 southwell_regression_options_f64(void);

// Elements of workspace that sparse regression needs for n samples, p columns and a working set.
size_t southwell_regression_workspace(size_t samples, size_t columns, size_t capacity);

// Indices of workspace that sparse regression needs for p columns and a working set.
size_t southwell_regression_indices(size_t columns, size_t capacity);

// Fits a dense design from the w that is handed in (zeros do). The residual is the duality gap, a bound of how far the
// objective is above the least one; its scale is the objective at 0; a step is one working set and one look at the
// columns. `options`, `report`, `found` and `fault` may be null.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_dense_f32(const SouthwellDenseDesign_f32 *design,
                                             const SouthwellRegression_f32 *problem,
                                             float *w,
                                             const SouthwellOptions_f32 *options,
                                             float *workspace,
                                             size_t workspace_len,
                                             uint32_t *indices,
                                             size_t indices_len,
                                             SouthwellReport_f32 *report,
                                             SouthwellRegressionFound_f32 *found,
                                             SouthwellFault *fault);

// As `southwell_regression_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_dense_f64(const SouthwellDenseDesign_f64 *design,
                                             const SouthwellRegression_f64 *problem,
                                             double *w,
                                             const SouthwellOptions_f64 *options,
                                             double *workspace,
                                             size_t workspace_len,
                                             uint32_t *indices,
                                             size_t indices_len,
                                             SouthwellReport_f64 *report,
                                             SouthwellRegressionFound_f64 *found,
                                             SouthwellFault *fault);

// As `southwell_regression_dense_f32`, of a sparse design.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_sparse_f32(const SouthwellSparseDesign_f32 *design,
                                              const SouthwellRegression_f32 *problem,
                                              float *w,
                                              const SouthwellOptions_f32 *options,
                                              float *workspace,
                                              size_t workspace_len,
                                              uint32_t *indices,
                                              size_t indices_len,
                                              SouthwellReport_f32 *report,
                                              SouthwellRegressionFound_f32 *found,
                                              SouthwellFault *fault);

// As `southwell_regression_dense_f32`, of a sparse design.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_sparse_f64(const SouthwellSparseDesign_f64 *design,
                                              const SouthwellRegression_f64 *problem,
                                              double *w,
                                              const SouthwellOptions_f64 *options,
                                              double *workspace,
                                              size_t workspace_len,
                                              uint32_t *indices,
                                              size_t indices_len,
                                              SouthwellReport_f64 *report,
                                              SouthwellRegressionFound_f64 *found,
                                              SouthwellFault *fault);

// Writes the least λ for which w = 0 is a solution, as the loss and its divisor go; the λ of the problem must be
// positive all the same.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_lambda_max_dense_f32(const SouthwellDenseDesign_f32 *design,
                                                        const SouthwellRegression_f32 *problem,
                                                        float *lambda,
                                                        SouthwellFault *fault);

// As `southwell_regression_lambda_max_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_lambda_max_dense_f64(const SouthwellDenseDesign_f64 *design,
                                                        const SouthwellRegression_f64 *problem,
                                                        double *lambda,
                                                        SouthwellFault *fault);

// As `southwell_regression_lambda_max_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_lambda_max_sparse_f32(const SouthwellSparseDesign_f32 *design,
                                                         const SouthwellRegression_f32 *problem,
                                                         float *lambda,
                                                         SouthwellFault *fault);

// As `southwell_regression_lambda_max_dense_f32`.
//
// # Safety
// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
SouthwellCode southwell_regression_lambda_max_sparse_f64(const SouthwellSparseDesign_f64 *design,
                                                         const SouthwellRegression_f64 *problem,
                                                         double *lambda,
                                                         SouthwellFault *fault);

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
