//! Line plots as SVG, for looking at a run instead of reading it.
//!
//! The data type is ours, the drawing is kuva's: nothing else in the project knows which library draws.

use std::fmt;
use std::path::Path;

use kuva::backend::svg::SvgBackend;
use kuva::plot::LinePlot;
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;

/// A named curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// (x, y); points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// One panel of a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Above the panel.
    pub title: String,
    /// Along the horizontal axis.
    pub x_label: String,
    /// Along the vertical axis.
    pub y_label: String,
    /// The curves.
    pub series: Vec<Series>,
    /// Powers of ten on the vertical axis; points that are not positive are left out then.
    pub logarithmic: bool,
}

/// Colours that can be told apart, by those who do not see all colours too (Okabe & Ito 2008).
const COLOURS: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#999999"];

/// Draws panels one above the other as an SVG document.
///
/// A name has one colour in all panels, and one legend serves them all. From the ninth name on the
/// colours come again, with dashes.
#[must_use]
pub fn to_svg(panels: &[Panel]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for series in panels.iter().flat_map(|panel| &panel.series) {
        if !names.contains(&series.name.as_str()) {
            names.push(&series.name);
        }
    }
    let drawings: Vec<(Vec<Plot>, Layout)> = panels.iter().map(|panel| drawing(panel, &names)).collect();
    let (plots, layouts) = drawings.into_iter().unzip();
    let mut figure =
        Figure::new(panels.len(), 1).with_plots(plots).with_layouts(layouts).with_cell_size(900.0, 380.0);
    if !names.is_empty() {
        figure = figure.with_shared_legend_right_middle();
    }
    SvgBackend.render_scene(&figure.render())
}

/// The curves and the axes of a panel.
fn drawing(panel: &Panel, names: &[&str]) -> (Vec<Plot>, Layout) {
    let drawable = |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (!panel.logarithmic || y > 0.0);
    let mut curves = Vec::new();
    let (mut first, mut last) = (f64::INFINITY, f64::NEG_INFINITY);
    for series in &panel.series {
        let points: Vec<(f64, f64)> = series.points.iter().copied().filter(drawable).collect();
        for &(x, _) in &points {
            (first, last) = (first.min(x), last.max(x));
        }
        let place = names.iter().position(|name| *name == series.name).unwrap_or(0);
        let mut line = LinePlot::new()
            .with_data(points)
            .with_color(COLOURS[place % COLOURS.len()])
            .with_stroke_width(1.5)
            .with_legend(text(&series.name));
        if place >= COLOURS.len() {
            line = line.with_dashed();
        }
        curves.push(Plot::Line(line));
    }
    let mut layout = Layout::auto_from_plots(&curves)
        .with_title(text(&panel.title))
        .with_x_label(text(&panel.x_label))
        .with_y_label(text(&panel.y_label));
    if panel.logarithmic {
        layout = layout.with_log_y();
    }
    // An axis that nearly begins at zero had better begin there.
    if first > 0.0 && first < 0.05 * last {
        first = 0.0;
    }
    if first < last {
        layout = layout.with_x_axis_min(first).with_x_axis_max(last);
    }
    (curves, layout)
}

/// Text as it is: no formulae between dollars, no characters that XML forbids.
fn text(plain: &str) -> String {
    plain.chars().filter(|c| !c.is_control()).collect::<String>().replace('$', "\\$")
}

/// Writes [`to_svg`] to a file.
///
/// # Errors
/// [`PlotError`] naming the path.
pub fn write_svg(path: impl AsRef<Path>, panels: &[Panel]) -> Result<(), PlotError> {
    let path = path.as_ref();
    std::fs::write(path, to_svg(panels)).map_err(|source| PlotError { path: path.to_path_buf(), source })
}

/// A plot could not be written.
#[derive(Debug)]
pub struct PlotError {
    path: std::path::PathBuf,
    source: std::io::Error,
}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the plot to {}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for PlotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(names: &[&str]) -> Panel {
        let points = vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, -3.0), (f64::INFINITY, 1.0), (3.0, 100.0)];
        let series = names.iter().map(|name| Series { name: (*name).to_owned(), points: points.clone() });
        Panel { title: "a title".to_owned(), series: series.collect(), ..Panel::default() }
    }

    /// Whether tags nest, quotes close, and no bare `&` or `<` stands in the text.
    fn well_formed(svg: &str) -> bool {
        let mut open = Vec::new();
        let mut pieces = svg.split('<');
        let mut sound = pieces.next().is_some_and(|before| before.trim().is_empty());
        for piece in pieces {
            let Some((tag, after)) = piece.split_once('>') else { return false };
            sound &= tag.matches('"').count() % 2 == 0 && !after.contains('>');
            sound &= after.split('&').skip(1).all(|entity| {
                ["amp;", "lt;", "gt;", "quot;", "apos;", "#"].iter().any(|known| entity.starts_with(known))
            });
            if tag.starts_with(['?', '!']) || tag.ends_with('/') {
                continue;
            }
            match tag.strip_prefix('/') {
                Some(name) => sound &= open.pop() == Some(name),
                None => open.push(tag.split_whitespace().next().unwrap_or("")),
            }
        }
        sound && open.is_empty()
    }

    #[test]
    fn figures_are_well_formed_whatever_the_points() {
        for logarithmic in [false, true] {
            for names in [&[][..], &["one"], &["one", "two"]] {
                let panel = Panel { logarithmic, ..panel(names) };
                let svg = to_svg(&[panel.clone(), Panel::default(), panel]);
                assert!(well_formed(&svg), "{svg}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert!(svg.starts_with("<svg") || svg.starts_with("<?xml"));
            }
        }
        assert!(well_formed(&to_svg(&[])));
    }

    #[test]
    fn nothing_to_draw_is_drawn() {
        let single = Series { name: "single".to_owned(), points: vec![(1.0, 1.0)] };
        let nothing = Series { name: "nothing".to_owned(), points: vec![(f64::NAN, 1.0)] };
        for series in [vec![single], vec![nothing], vec![]] {
            let svg = to_svg(&[Panel { series, ..Panel::default() }]);
            assert!(well_formed(&svg) && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn names_are_text_and_nothing_else() {
        let svg = to_svg(&[panel(&["a<b>&\"c\"'d'", "costs $x_1$ or $", "bell\u{7}"])]);
        assert!(well_formed(&svg), "{svg}");
        assert!(svg.contains("a&lt;b&gt;&amp;&quot;c&quot;&apos;d&apos;"), "{svg}");
        assert!(svg.contains("costs $x_1$ or $") && svg.contains(">bell<"), "{svg}");
    }

    #[test]
    fn a_name_has_one_colour_and_one_line_in_the_legend() {
        let svg = to_svg(&[panel(&["one", "two"]), panel(&["two"])]);
        assert_eq!(svg.matches(">two<").count(), 1, "{svg}");
        assert!(!svg.contains(&COLOURS[2].to_lowercase()));
        // Two curves and a line in the legend.
        assert!(svg.matches(&COLOURS[1].to_lowercase()).count() >= 3, "{svg}");
    }

    #[test]
    fn the_ninth_name_is_dashed() {
        let names: Vec<String> = (0..9).map(|i| format!("n{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(!to_svg(&[panel(&names[..8])]).contains("stroke-dasharray"));
        assert!(to_svg(&[panel(&names)]).contains("stroke-dasharray"));
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let error = write_svg("no/such/folder/a.svg", &[]).expect_err("no folder");
        assert!(error.to_string().contains("no/such/folder/a.svg"));
        assert!(std::error::Error::source(&error).is_some());
    }
}
