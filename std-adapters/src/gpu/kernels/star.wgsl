// Five- and seven-point stars on a slab of a grid with a layer of neighbours on either side.
//
// A slab has `layers` layers of `rows` rows of `columns` cells. In the plane a layer is a row: `rows` is 1,
// `ring` 0, `row_stride` 0 and south and north are 0. In space a layer is a plane with a ring of zeros around it.
// Cell (l, r, c) stands at (l + 1)·layer_stride + (r + ring)·row_stride + c + 1; what lies around is zero.

struct Slab {
    columns: u32,
    rows: u32,
    layers: u32,
    row_stride: u32,
    layer_stride: u32,
    ring: u32,
    // Of the plane + row + column of the first cell, plus the colour's number.
    parity: u32,
    // Where the partial sums of this slab go.
    base: u32,
    centre: f32,
    west: f32,
    east: f32,
    south: f32,
    north: f32,
    down: f32,
    up: f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform> slab: Slab;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<uniform> omega: vec4<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<f32, 256>;

fn around(k: u32) -> f32 {
    var sum = slab.west * x[k - 1u] + slab.east * x[k + 1u];
    sum += slab.south * x[k - slab.row_stride] + slab.north * x[k + slab.row_stride];
    sum += slab.down * x[k - slab.layer_stride] + slab.up * x[k + slab.layer_stride];
    return sum;
}

// The first cell of a line (a row of a layer), and the parity of that cell.
fn line_start(line: u32) -> vec2<u32> {
    let l = line / slab.rows;
    let r = line - l * slab.rows;
    let k = (l + 1u) * slab.layer_stride + (r + slab.ring) * slab.row_stride + 1u;
    return vec2<u32>(k, (l + r + slab.parity) & 1u);
}

// x ← x + ω ((b − Σ a x)/a_ii − x) on the cells of one colour.
@compute @workgroup_size(64, 4)
fn sweep(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let lines = slab.rows * slab.layers;
    for (var line = at.y; line < lines; line += 4u * groups.y) {
        let start = line_start(line);
        for (var c = 2u * at.x + start.y; c < slab.columns; c += 128u * groups.x) {
            let k = start.x + c;
            let old = x[k];
            x[k] = old + omega.x * ((b[k] - around(k)) / slab.centre - old);
        }
    }
}

fn fold(lane: u32, value: f32) -> f32 {
    sums[lane] = value;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) { sums[lane] += sums[lane + half]; }
        workgroupBarrier();
    }
    return sums[0];
}

// ‖b − A x‖², a partial sum for each workgroup.
@compute @workgroup_size(64, 4)
fn residual(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var sum = 0.0;
    let lines = slab.rows * slab.layers;
    for (var line = at.y; line < lines; line += 4u * groups.y) {
        let start = line_start(line);
        for (var c = at.x; c < slab.columns; c += 64u * groups.x) {
            let k = start.x + c;
            let r = b[k] - around(k) - slab.centre * x[k];
            sum += r * r;
        }
    }
    let total = fold(lane, sum);
    if (lane == 0u) { partials[slab.base + group.y * groups.x + group.x] = total; }
}

// y ← A x
@compute @workgroup_size(64, 4)
fn apply(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let lines = slab.rows * slab.layers;
    for (var line = at.y; line < lines; line += 4u * groups.y) {
        let start = line_start(line);
        for (var c = at.x; c < slab.columns; c += 64u * groups.x) {
            let k = start.x + c;
            y[k] = slab.centre * x[k] + around(k);
        }
    }
}
