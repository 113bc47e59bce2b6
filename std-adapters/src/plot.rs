//! Line plots as SVG, for looking at a run instead of reading it.
//!
//! The data type is ours, the drawing is kuva's: nothing else in the project knows which library draws.

use std::fmt;
use std::path::Path;

use kuva::backend::svg::SvgBackend;
use kuva::plot::LinePlot;
use kuva::plot::legend::LegendPosition;
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
#[must_use]
pub fn to_svg(panels: &[Panel]) -> String {
    let mut plots = Vec::new();
    let mut layouts = Vec::new();
    for panel in panels {
        let curves: Vec<Plot> = panel
            .series
            .iter()
            .zip(COLOURS.iter().cycle())
            .map(|(series, &colour)| {
                let drawable =
                    |&(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (!panel.logarithmic || y > 0.0);
                let points: Vec<(f64, f64)> = series.points.iter().copied().filter(drawable).collect();
                let line = LinePlot::new().with_data(points).with_color(colour).with_stroke_width(1.5);
                Plot::Line(line.with_legend(series.name.clone()))
            })
            .collect();
        let mut layout = Layout::auto_from_plots(&curves)
            .with_title(panel.title.clone())
            .with_x_label(panel.x_label.clone())
            .with_y_label(panel.y_label.clone())
            .with_legend_position(LegendPosition::OutsideRightTop);
        if panel.logarithmic {
            layout = layout.with_log_y();
        }
        plots.push(curves);
        layouts.push(layout);
    }
    let figure =
        Figure::new(panels.len(), 1).with_plots(plots).with_layouts(layouts).with_cell_size(900.0, 380.0);
    SvgBackend.render_scene(&figure.render())
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
