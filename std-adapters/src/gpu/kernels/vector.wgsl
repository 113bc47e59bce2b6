// What conjugate gradients do with vectors, on a span of each.

struct Span {
    start: u32,
    len: u32,
    // Where the partial sums go.
    base: u32,
    unused: u32,
}

// See scalars.wgsl.
struct Scalars { rho: f32, alpha: f32, beta: f32, flag: f32 }

@group(0) @binding(0) var<uniform> span: Span;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> r: array<f32>;
@group(0) @binding(5) var<storage, read> scalars: Scalars;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<f32, 256>;

// pᵀq, a partial sum for each workgroup.
@compute @workgroup_size(256)
fn dot(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var sum = 0.0;
    for (var i = at.x; i < span.len; i += 256u * groups.x) {
        sum += p[span.start + i] * q[span.start + i];
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { sums[lane] += sums[lane + half]; }
        workgroupBarrier();
    }
    if (lane == 0u) { partials[span.base + group.x] = sums[0]; }
}

// ‖p‖², likewise.
@compute @workgroup_size(256)
fn square(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var sum = 0.0;
    for (var i = at.x; i < span.len; i += 256u * groups.x) {
        let value = p[span.start + i];
        sum += value * value;
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { sums[lane] += sums[lane + half]; }
        workgroupBarrier();
    }
    if (lane == 0u) { partials[span.base + group.x] = sums[0]; }
}

// x ← x + α p, r ← r − α q
@compute @workgroup_size(256)
fn advance(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = at.x; i < span.len; i += 256u * groups.x) {
        let k = span.start + i;
        x[k] += scalars.alpha * p[k];
        r[k] -= scalars.alpha * q[k];
    }
}

// r ← p + β r: the next direction in r.
@compute @workgroup_size(256)
fn direct(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = at.x; i < span.len; i += 256u * groups.x) {
        let k = span.start + i;
        r[k] = p[k] + scalars.beta * r[k];
    }
}
