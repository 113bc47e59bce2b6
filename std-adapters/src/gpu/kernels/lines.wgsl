// What a half-step of Sinkhorn's iteration does with the lines' log-sum-exps, in units of ε.
//
// δ = ln mass − ln Σ − potential is how far a line is from being exact. It moves by ω δ, or by as much less as
// keeps its own share of the dual value from falling: the largest factor with
// e^(−δ) − e^((factor − 1) δ) + factor δ ≥ 0.

struct Span {
    lines: u32,
    // Pairs of a line, `lines` apart.
    parts: u32,
    // Where the partial sums of the errors go.
    base: u32,
    unused: u32,
}

// Up to `root` the factor is omega.
struct Reach { omega: f32, root: f32, unused0: f32, unused1: f32 }

@group(0) @binding(0) var<uniform> span: Span;
@group(0) @binding(1) var<storage, read> pairs: array<vec2<f32>>;
// Mass and its logarithm.
@group(0) @binding(2) var<storage, read> masses: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> potential: array<f32>;
@group(0) @binding(4) var<storage, read_write> next: array<f32>;
@group(0) @binding(5) var<storage, read_write> errors: array<f32>;
@group(0) @binding(6) var<uniform> reach: Reach;

var<workgroup> sums: array<f32, 256>;

fn gain(factor: f32, delta: f32) -> f32 {
    return exp(-delta) - exp(min((factor - 1.0) * delta, 80.0)) + factor * delta;
}

fn factor_of(delta: f32) -> f32 {
    if (delta <= reach.root) { return reach.omega; }
    var low = 1.0;
    var high = reach.omega;
    for (var k = 0; k < 8; k++) {
        let middle = 0.5 * (low + high);
        if (gain(middle, delta) >= 0.0) { low = middle; } else { high = middle; }
    }
    return low;
}

// ln Σ of a line.
fn log_sum(line: u32) -> f32 {
    var pair = pairs[line];
    for (var part = 1u; part < span.parts; part++) {
        let other = pairs[part * span.lines + line];
        let m = max(pair.x, other.x);
        pair = vec2<f32>(m, pair.y * exp(pair.x - m) + other.y * exp(other.x - m));
    }
    return pair.x + log(pair.y);
}

fn keep(lane: u32, group: u32, error: f32) {
    sums[lane] = error;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { sums[lane] += sums[lane + half]; }
        workgroupBarrier();
    }
    if (lane == 0u) { errors[span.base + group] = sums[0]; }
}

// The rows as they are (`next` becomes `potential`), their error, and where they go next.
@compute @workgroup_size(256)
fn rows(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var error = 0.0;
    for (var i = at.x; i < span.lines; i += 256u * groups.x) {
        let mass = masses[i];
        let old = next[i];
        potential[i] = old;
        if (mass.x > 0.0) {
            let delta = mass.y - log_sum(i) - old;
            error += abs(mass.x * exp(-delta) - mass.x);
            next[i] = old + factor_of(delta) * delta;
        }
    }
    keep(lane, group.x, error);
}

// The columns move, and what they are off by afterwards. With ω = 0 they stay and are measured.
@compute @workgroup_size(256)
fn columns(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var error = 0.0;
    for (var j = at.x; j < span.lines; j += 256u * groups.x) {
        let mass = masses[j];
        if (mass.x > 0.0) {
            let old = potential[j];
            let delta = mass.y - log_sum(j) - old;
            let factor = factor_of(delta);
            potential[j] = old + factor * delta;
            if (factor != 1.0) { error += abs(mass.x * exp((factor - 1.0) * delta) - mass.x); }
        }
    }
    keep(lane, group.x, error);
}
