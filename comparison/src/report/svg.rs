//! As much of SVG as charts need.

use std::fmt::{Display, Write as _};

/// A picture that is readable on light and on dark backgrounds.
pub(super) struct Svg {
    width: f64,
    height: f64,
    elements: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            elements: String::new(),
        }
    }

    /// A text whose baseline begins at a point, or ends or is centred there, as the class says.
    pub(super) fn text(&mut self, class: &str, [x, y]: Point, text: impl Display) {
        self.add(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        ));
    }

    pub(super) fn bar(&mut self, class: &str, [x, y]: Point, [width, height]: Point) {
        self.add(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2"/>"#
        ));
    }

    pub(super) fn line(&mut self, class: &str, points: &[Point]) {
        let points = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}"));
        let points = points.collect::<Vec<_>>().join(" ");
        self.add(format_args!(
            r#"<polyline class="{class}" points="{points}"/>"#
        ));
    }

    pub(super) fn dot(&mut self, class: &str, [x, y]: Point) {
        self.add(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="2" fill="none" stroke-width="2"/>"#));
    }

    pub(super) fn finish(self) -> String {
        let Self {
            width,
            height,
            elements,
        } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\">\n<style>{STYLE}</style>\n{elements}</svg>\n"
        )
    }

    fn add(&mut self, element: impl Display) {
        let _ = writeln!(self.elements, "{element}");
    }
}

/// x and y, or width and height.
pub(super) type Point = [f64; 2];

const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 13px; }
.end { text-anchor: end; } .middle { text-anchor: middle; } .note { fill: #6e7781; }
rect.ours { fill: #0969da; } rect.peer { fill: #afb8c1; } rect.floor { fill: #6e7781; }
polyline { fill: none; stroke-width: 2; }
.axis, .grid { stroke: #d0d7de; stroke-width: 1; }
.c0, .c1 { stroke: #0969da; } .c2, .c3 { stroke: #bf8700; } .c4, .c5 { stroke: #1a7f37; }
polyline.c0, polyline.c2, polyline.c4 { stroke-dasharray: 5 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .note { fill: #8d96a0; }
rect.ours { fill: #4493f8; } rect.peer { fill: #57606a; } rect.floor { fill: #8d96a0; }
.axis, .grid { stroke: #3d444d; }
.c0, .c1 { stroke: #4493f8; } .c2, .c3 { stroke: #d29922; } .c4, .c5 { stroke: #3fb950; }
}
";
