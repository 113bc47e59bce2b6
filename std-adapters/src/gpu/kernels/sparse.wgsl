// A sparse matrix in slices of 32 rows, padded to their longest row: entry j of row l of a slice stands at
// start + 32 j + l, so that neighbouring invocations read neighbouring memory. Padding is 0 times x[0].
// The diagonal is kept apart; rows that only pad have 1 there and b = 0.

struct Piece {
    // Slices of this dispatch: from `first` on, counted in the piece, `count` of them.
    first: u32,
    count: u32,
    // The row that the piece's first slice begins with.
    row: u32,
    // Where the partial sums go.
    base: u32,
}

@group(0) @binding(0) var<uniform> piece: Piece;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<uniform> omega: vec4<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read> starts: array<u32>;
@group(0) @binding(7) var<storage, read> columns: array<u32>;
@group(0) @binding(8) var<storage, read> values: array<f32>;
@group(0) @binding(9) var<storage, read> diagonal: array<f32>;

var<workgroup> sums: array<f32, 256>;

// Σ a x over the entries besides the diagonal.
fn others(slice: u32, lane: u32) -> f32 {
    var sum = 0.0;
    let end = starts[slice + 1u];
    for (var k = starts[slice] + lane; k < end; k += 32u) {
        sum += values[k] * x[columns[k]];
    }
    return sum;
}

@compute @workgroup_size(64)
fn sweep(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = at.x; i < 32u * piece.count; i += 64u * groups.x) {
        let slice = piece.first + (i >> 5u);
        let row = piece.row + 32u * slice + (i & 31u);
        let old = x[row];
        x[row] = old + omega.x * ((b[row] - others(slice, i & 31u)) / diagonal[row] - old);
    }
}

@compute @workgroup_size(256)
fn residual(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var sum = 0.0;
    for (var i = at.x; i < 32u * piece.count; i += 256u * groups.x) {
        let slice = piece.first + (i >> 5u);
        let row = piece.row + 32u * slice + (i & 31u);
        let r = b[row] - others(slice, i & 31u) - diagonal[row] * x[row];
        sum += r * r;
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { sums[lane] += sums[lane + half]; }
        workgroupBarrier();
    }
    if (lane == 0u) { partials[piece.base + group.x] = sums[0]; }
}

// y ← A x
@compute @workgroup_size(256)
fn apply(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = at.x; i < 32u * piece.count; i += 256u * groups.x) {
        let slice = piece.first + (i >> 5u);
        let row = piece.row + 32u * slice + (i & 31u);
        y[row] = diagonal[row] * x[row] + others(slice, i & 31u);
    }
}
