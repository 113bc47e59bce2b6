// Greedy coordinate descent on ½xᵀQx − cᵀx + Σ h_i(x_i): the variable that gains most by its exact step moves, and
// the gradient with it. h_i(x) = l1 |x| + linear x + ½ l2 x² between lower and upper.

struct Pass {
    variables: u32,
    // The rows of Q in this block: from `first` on, `rows` of them.
    first: u32,
    rows: u32,
    groups: u32,
}

struct Shape { l1: f32, l2: f32, linear: f32, lower: f32, upper: f32, curvature: f32 }

// Gain, step, the largest violation, and the variable.
struct Choice { gain: f32, delta: f32, violation: f32, variable: u32 }

@group(0) @binding(0) var<uniform> range: Pass;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
@group(0) @binding(2) var<storage, read> shapes: array<Shape>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(5) var<storage, read_write> choices: array<Choice>;
@group(0) @binding(6) var<storage, read_write> chosen: Choice;

var<workgroup> held: array<Choice, 256>;

// The better one, the first of equals; and the larger violation of both. A NaN in it stays.
fn better(a: Choice, b: Choice) -> Choice {
    var best = a;
    if (b.gain > a.gain || (b.gain == a.gain && b.variable < a.variable)) { best = b; }
    best.violation = select(b.violation, a.violation, !(b.violation > a.violation));
    return best;
}

fn best_of(lane: u32, mine: Choice) -> Choice {
    held[lane] = mine;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { held[lane] = better(held[lane], held[lane + half]); }
        workgroupBarrier();
    }
    return held[0];
}

fn prox(shape: Shape, step: f32, at: f32) -> f32 {
    let v = at - step * shape.linear;
    let threshold = step * shape.l1;
    let shrunk = select(0.0, v - sign(v) * threshold, abs(v) > threshold);
    return clamp(shrunk / (1.0 + step * shape.l2), shape.lower, shape.upper);
}

fn violation(shape: Shape, x: f32, g: f32) -> f32 {
    let slope = g + shape.linear + shape.l2 * x;
    var least = select(-shape.l1, shape.l1, x > 0.0);
    var most = select(shape.l1, -shape.l1, x < 0.0);
    if (x <= shape.lower) { least = -3e38; }
    if (x >= shape.upper) { most = 3e38; }
    return max(max(least + slope, -slope - most), 0.0);
}

fn progress(shape: Shape, x: f32, d: f32, g: f32) -> f32 {
    let to = x + d;
    let slope = g + shape.linear + shape.l2 * x;
    var bent = slope * d + shape.l1 * (abs(to) - abs(x));
    if (x >= 0.0 && to >= 0.0) { bent = (slope + shape.l1) * d; }
    else if (x <= 0.0 && to <= 0.0) { bent = (slope - shape.l1) * d; }
    return -(bent + 0.5 * (shape.curvature + shape.l2) * d * d);
}

// A candidate of each workgroup.
@compute @workgroup_size(256)
fn look(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var best = Choice(-1.0, 0.0, 0.0, 0xffffffffu);
    for (var i = at.x; i < range.variables; i += 256u * groups.x) {
        let shape = shapes[i];
        let value = x[i];
        let g = gradient[i];
        let step = 1.0 / max(shape.curvature, 1e-37);
        let d = prox(shape, step, value - step * g) - value;
        best = better(best, Choice(progress(shape, value, d, g), d, violation(shape, value, g), i));
    }
    let winner = best_of(lane, best);
    if (lane == 0u) { choices[group.x] = winner; }
}

// The best of all, and its step.
@compute @workgroup_size(256)
fn choose(@builtin(local_invocation_index) lane: u32) {
    var best = Choice(-1.0, 0.0, 0.0, 0xffffffffu);
    for (var k = lane; k < range.groups; k += 256u) { best = better(best, choices[k]); }
    let winner = best_of(lane, best);
    if (lane == 0u) {
        chosen = winner;
        if (winner.variable < range.variables && winner.gain > 0.0) {
            x[winner.variable] += winner.delta;
        } else {
            chosen.delta = 0.0;
        }
    }
}

// The gradient follows.
@compute @workgroup_size(256)
fn shift(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = chosen.variable - range.first;
    if (chosen.variable < range.first || row >= range.rows || chosen.delta == 0.0) { return; }
    for (var j = at.x; j < range.variables; j += 256u * groups.x) {
        gradient[j] += chosen.delta * matrix[row * range.variables + j];
    }
}
