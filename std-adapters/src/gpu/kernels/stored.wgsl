// Log-sum-exps over stored costs, in units of ε: a pair (m, s) for each line, m + ln s = ln Σ e^(potential − cost).
// A potential below EMPTY belongs to a line without mass, which is left out.

struct Pass {
    // Rows of this block of the costs, and columns.
    rows: u32,
    columns: u32,
    // The number of its first row.
    first: u32,
    // For columns: rows of a part, and whether the pairs hold those of the blocks before.
    part_rows: u32,
    follows: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
}

const EMPTY: f32 = -1e38;

@group(0) @binding(0) var<uniform> range: Pass;
@group(0) @binding(1) var<storage, read> costs: array<f32>;
@group(0) @binding(2) var<storage, read> potential: array<f32>;
@group(0) @binding(3) var<storage, read_write> pairs: array<vec2<f32>>;

var<workgroup> held: array<vec2<f32>, 256>;

fn folded(pair: vec2<f32>, z: f32) -> vec2<f32> {
    if (z > pair.x) { return vec2<f32>(z, pair.y * exp(pair.x - z) + 1.0); }
    return vec2<f32>(pair.x, pair.y + exp(z - pair.x));
}

fn merged(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let m = max(a.x, b.x);
    return vec2<f32>(m, a.y * exp(a.x - m) + b.y * exp(b.x - m));
}

// A workgroup a row: lanes take columns in turn, and meet in a tree.
@compute @workgroup_size(256)
fn rows(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    for (var i = group.x; i < range.rows; i += groups.x) {
        var pair = vec2<f32>(-3e38, 0.0);
        let start = i * range.columns;
        for (var j = lane; j < range.columns; j += 256u) {
            let p = potential[j];
            if (p > EMPTY) { pair = folded(pair, p - costs[start + j]); }
        }
        held[lane] = pair;
        workgroupBarrier();
        for (var half = 128u; half > 0u; half >>= 1u) {
            if (lane < half) { held[lane] = merged(held[lane], held[lane + half]); }
            workgroupBarrier();
        }
        if (lane == 0u) { pairs[range.first + i] = held[0]; }
        workgroupBarrier();
    }
}

// An invocation a column, and a part of the rows.
@compute @workgroup_size(256)
fn columns(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let part = at.y;
    let end = min(range.rows, (part + 1u) * range.part_rows);
    for (var j = at.x; j < range.columns; j += 256u * groups.x) {
        let at_pair = part * range.columns + j;
        var pair = vec2<f32>(-3e38, 0.0);
        if (range.follows != 0u) { pair = pairs[at_pair]; }
        for (var i = part * range.part_rows; i < end; i++) {
            let p = potential[range.first + i];
            if (p > EMPTY) { pair = folded(pair, p - costs[i * range.columns + j]); }
        }
        pairs[at_pair] = pair;
    }
}
