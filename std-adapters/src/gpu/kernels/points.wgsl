// Log-sum-exps over costs between points, which are made on the fly; see stored.wgsl for the pairs.
//
// A point has `quads` groups of four coordinates, the last padded with zeros in all points alike. Points and what
// they are compared with change roles between the rows' pass and the columns'.

struct Pass {
    lines: u32,
    others: u32,
    quads: u32,
    // 0: Σ (x − y)²; 1: its root; 2: Σ |x − y|
    ground: u32,
    // Others of a part.
    part_len: u32,
    // The scale of the costs over ε.
    scale: f32,
    unused0: u32,
    unused1: u32,
}

const EMPTY: f32 = -1e38;

@group(0) @binding(0) var<uniform> range: Pass;
@group(0) @binding(1) var<storage, read> mine: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> theirs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> potential: array<f32>;
@group(0) @binding(4) var<storage, read_write> pairs: array<vec2<f32>>;

var<workgroup> tile: array<vec4<f32>, 512>;
var<workgroup> tile_potential: array<f32, 256>;

fn folded(pair: vec2<f32>, z: f32) -> vec2<f32> {
    if (z > pair.x) { return vec2<f32>(z, pair.y * exp(pair.x - z) + 1.0); }
    return vec2<f32>(pair.x, pair.y + exp(z - pair.x));
}

fn term(difference: vec4<f32>) -> f32 {
    if (range.ground == 2u) { return dot(abs(difference), vec4<f32>(1.0)); }
    return dot(difference, difference);
}

fn finished(sum: f32) -> f32 {
    if (range.ground == 1u) { return range.scale * sqrt(sum); }
    return range.scale * sum;
}

// Up to eight coordinates: mine in registers, theirs in a tile that the workgroup shares.
@compute @workgroup_size(256)
fn near(
    @builtin(global_invocation_id) at: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let line = min(at.x, range.lines - 1u);
    let first = mine[line * range.quads];
    var second = vec4<f32>(0.0);
    if (range.quads > 1u) { second = mine[line * range.quads + 1u]; }
    var pair = vec2<f32>(-3e38, 0.0);
    let start = group.y * range.part_len;
    let end = min(range.others, start + range.part_len);
    for (var head = start; head < end; head += 256u) {
        let other = head + lane;
        if (other < end) {
            tile_potential[lane] = potential[other];
            tile[2u * lane] = theirs[other * range.quads];
            if (range.quads > 1u) { tile[2u * lane + 1u] = theirs[other * range.quads + 1u]; }
        }
        workgroupBarrier();
        let count = min(256u, end - head);
        for (var k = 0u; k < count; k++) {
            let p = tile_potential[k];
            if (p > EMPTY) {
                var sum = term(first - tile[2u * k]);
                if (range.quads > 1u) { sum += term(second - tile[2u * k + 1u]); }
                pair = folded(pair, p - finished(sum));
            }
        }
        workgroupBarrier();
    }
    if (at.x < range.lines) { pairs[group.y * range.lines + at.x] = pair; }
}

// Any number of coordinates.
@compute @workgroup_size(256)
fn far(@builtin(global_invocation_id) at: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
    if (at.x >= range.lines) { return; }
    var pair = vec2<f32>(-3e38, 0.0);
    let start = group.y * range.part_len;
    let end = min(range.others, start + range.part_len);
    for (var other = start; other < end; other++) {
        let p = potential[other];
        if (p > EMPTY) {
            var sum = 0.0;
            for (var k = 0u; k < range.quads; k++) {
                sum += term(mine[at.x * range.quads + k] - theirs[other * range.quads + k]);
            }
            pair = folded(pair, p - finished(sum));
        }
    }
    pairs[group.y * range.lines + at.x] = pair;
}
