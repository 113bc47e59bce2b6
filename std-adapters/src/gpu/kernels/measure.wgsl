// Products ⟨A_i, W⟩ and the sum Q = Σ w_i A_i, for matrices A_i that are stored, or drawn from a counter generator.
//
// Entry k of A_i is number i·entries + k of the stream `key`; see southwell::subgradient::counter for the mapping,
// which is frozen. Words of 64 bits are pairs, the lower half first.

struct Pass {
    // Matrices of this block, and entries of each.
    count: u32,
    entries: u32,
    // The number of the first matrix.
    first: u32,
    // Matrices of a part, and whether the sums hold those of the blocks before.
    part_len: u32,
    key: vec2<u32>,
    follows: u32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> range: Pass;
@group(0) @binding(1) var<storage, read> stored: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> products: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;

var<workgroup> held: array<f32, 256>;

fn folded(lane: u32, value: f32) -> f32 {
    held[lane] = value;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { held[lane] += held[lane + half]; }
        workgroupBarrier();
    }
    let total = held[0];
    workgroupBarrier();
    return total;
}

// --- words of 64 bits --------------------------------------------------------------------------

fn wide(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
    return vec2<u32>((other << 16u) | (low & 0xffffu), (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u));
}

fn times(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = wide(a.x, b.x);
    return vec2<u32>(low.x, low.y + a.x * b.y + a.y * b.x);
}

fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

// z ≫ by, for by below 32.
fn shifted(z: vec2<u32>, by: u32) -> vec2<u32> {
    return vec2<u32>((z.x >> by) | (z.y << (32u - by)), z.y >> by);
}

fn word(n: vec2<u32>) -> vec2<u32> {
    var z = plus(range.key, times(plus(n, vec2<u32>(1u, 0u)), vec2<u32>(0x7f4a7c15u, 0x9e3779b9u)));
    z = times(z ^ shifted(z, 30u), vec2<u32>(0x1ce4e5b9u, 0xbf58476du));
    z = times(z ^ shifted(z, 27u), vec2<u32>(0x133111ebu, 0x94d049bbu));
    return z ^ shifted(z, 31u);
}

// --- what is drawn -----------------------------------------------------------------------------

fn sign_of(bits: vec2<u32>, bit: u32) -> f32 {
    let half = select(bits.x, bits.y, bit >= 32u);
    return select(-1.0, 1.0, ((half >> (bit & 31u)) & 1u) == 1u);
}

// −ln of ((z ≫ 11) + 1)·2⁻⁵³, with the digits that f32 has also where that is close to 1.
fn minus_log(z: vec2<u32>) -> f32 {
    let u = (f32(z.y) + (f32(z.x >> 11u) + 1.0) * 4.76837158203125e-7) * 2.3283064365386963e-10;
    // 1 − u, in whole numbers: all bits of z turned over.
    let t = (f32(~z.y) + f32((~z.x) >> 11u) * 4.76837158203125e-7) * 2.3283064365386963e-10;
    if (t < 0.03) { return t * (1.0 + t * (0.5 + t * (0.33333333 + t * (0.25 + t * 0.2)))); }
    return -log(u);
}

// The numbers 2j and 2j + 1 of the normal stream.
fn normal_pair(j: vec2<u32>) -> vec2<f32> {
    let first = vec2<u32>(j.x << 1u, (j.y << 1u) | (j.x >> 31u));
    let radius = sqrt(2.0 * minus_log(word(first)));
    // The turn from its upper 24 bits, in (−½, ½].
    let turn = f32(word(plus(first, vec2<u32>(1u, 0u))).y >> 8u) * 5.9604644775390625e-8;
    let angle = 6.283185307179586 * select(turn, turn - 1.0, turn > 0.5);
    return radius * vec2<f32>(cos(angle), sin(angle));
}

// Number i·entries of the stream, where matrix i begins.
fn start_of(i: u32) -> vec2<u32> {
    return wide(range.first + i, range.entries);
}

// --- products: a workgroup a matrix ------------------------------------------------------------

@compute @workgroup_size(256)
fn stored_products(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    for (var i = group.x; i < range.count; i += groups.x) {
        var sum = 0.0;
        for (var k = lane; k < range.entries; k += 256u) { sum += stored[i * range.entries + k] * w[k]; }
        let total = folded(lane, sum);
        if (lane == 0u) { products[range.first + i] = total; }
    }
}

@compute @workgroup_size(256)
fn sign_products(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    for (var i = group.x; i < range.count; i += groups.x) {
        var sum = 0.0;
        let start = start_of(i);
        let head = vec2<u32>((start.x >> 6u) | (start.y << 26u), start.y >> 6u);
        // A word holds 64 signs; the first and the last may belong to the neighbours as well.
        let skipped = start.x & 63u;
        let words = (skipped + range.entries + 63u) / 64u;
        for (var n = lane; n < words; n += 256u) {
            let bits = word(plus(head, vec2<u32>(n, 0u)));
            for (var bit = 0u; bit < 64u; bit++) {
                let at = 64u * n + bit;
                if (at >= skipped && at - skipped < range.entries) { sum += sign_of(bits, bit) * w[at - skipped]; }
            }
        }
        let total = folded(lane, sum);
        if (lane == 0u) { products[range.first + i] = total; }
    }
}

@compute @workgroup_size(256)
fn normal_products(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    for (var i = group.x; i < range.count; i += groups.x) {
        var sum = 0.0;
        let start = start_of(i);
        let head = shifted(start, 1u);
        let skipped = start.x & 1u;
        let pairs = (skipped + range.entries + 1u) / 2u;
        for (var n = lane; n < pairs; n += 256u) {
            let drawn = normal_pair(plus(head, vec2<u32>(n, 0u)));
            let at = 2u * n;
            if (at >= skipped) { sum += drawn.x * w[at - skipped]; }
            if (at + 1u - skipped < range.entries) { sum += drawn.y * w[at + 1u - skipped]; }
        }
        let total = folded(lane, sum);
        if (lane == 0u) { products[range.first + i] = total; }
    }
}

// --- sums: an invocation an entry, and a part of the matrices ----------------------------------

fn begun(at: u32) -> f32 {
    if (range.follows != 0u) { return sums[at]; }
    return 0.0;
}

@compute @workgroup_size(256)
fn stored_sums(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let end = min(range.count, (id.y + 1u) * range.part_len);
    for (var k = id.x; k < range.entries; k += 256u * groups.x) {
        var sum = begun(id.y * range.entries + k);
        for (var i = id.y * range.part_len; i < end; i++) {
            sum += weights[range.first + i] * stored[i * range.entries + k];
        }
        sums[id.y * range.entries + k] = sum;
    }
}

@compute @workgroup_size(256)
fn sign_sums(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let end = min(range.count, (id.y + 1u) * range.part_len);
    for (var k = id.x; k < range.entries; k += 256u * groups.x) {
        var sum = begun(id.y * range.entries + k);
        for (var i = id.y * range.part_len; i < end; i++) {
            let n = plus(start_of(i), vec2<u32>(k, 0u));
            let bits = word(vec2<u32>((n.x >> 6u) | (n.y << 26u), n.y >> 6u));
            sum += weights[range.first + i] * sign_of(bits, n.x & 63u);
        }
        sums[id.y * range.entries + k] = sum;
    }
}

@compute @workgroup_size(256)
fn normal_sums(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let end = min(range.count, (id.y + 1u) * range.part_len);
    for (var k = id.x; k < range.entries; k += 256u * groups.x) {
        var sum = begun(id.y * range.entries + k);
        for (var i = id.y * range.part_len; i < end; i++) {
            let n = plus(start_of(i), vec2<u32>(k, 0u));
            let drawn = normal_pair(shifted(n, 1u));
            sum += weights[range.first + i] * select(drawn.x, drawn.y, (n.x & 1u) == 1u);
        }
        sums[id.y * range.entries + k] = sum;
    }
}
