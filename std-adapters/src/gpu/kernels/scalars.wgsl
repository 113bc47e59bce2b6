// The few numbers that conjugate gradients need, so that no step waits for the host.

// ρ = rᵀz; α; β; a flag that is 1 once a direction had no positive curvature.
struct Scalars { rho: f32, alpha: f32, beta: f32, flag: f32 }

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> scalars: Scalars;
@group(0) @binding(2) var<uniform> count: vec4<u32>;

var<workgroup> sums: array<f32, 256>;

fn total(lane: u32) -> f32 {
    var sum = 0.0;
    for (var i = lane; i < count.x; i += 256u) { sum += partials[i]; }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { sums[lane] += sums[lane + half]; }
        workgroupBarrier();
    }
    return sums[0];
}

// The first ρ.
@compute @workgroup_size(256)
fn begin(@builtin(local_invocation_index) lane: u32) {
    let rho = total(lane);
    if (lane == 0u) { scalars = Scalars(rho, 0.0, 0.0, 0.0); }
}

// α = ρ / pᵀA p; 0 once there is nothing left to do, or no curvature to do it with.
@compute @workgroup_size(256)
fn alpha(@builtin(local_invocation_index) lane: u32) {
    let curvature = total(lane);
    if (lane == 0u) {
        if (scalars.rho == 0.0 || scalars.flag != 0.0) {
            scalars.alpha = 0.0;
        } else if (curvature > 0.0) {
            scalars.alpha = scalars.rho / curvature;
        } else {
            scalars.alpha = 0.0;
            scalars.flag = 1.0;
        }
    }
}

// β = ρ new / ρ old
@compute @workgroup_size(256)
fn beta(@builtin(local_invocation_index) lane: u32) {
    let rho = total(lane);
    if (lane == 0u) {
        scalars.beta = select(0.0, rho / scalars.rho, scalars.rho != 0.0);
        scalars.rho = rho;
    }
}
