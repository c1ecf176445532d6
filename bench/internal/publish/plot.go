package publish

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/harness"
)

// A value is a point with its interval, one line of a plot.
type value struct {
	label             string
	median, low, high float64
	shade             color.Color
}

var (
	won  = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}
	lost = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
	rule = color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xff}
)

// Sizes of a plot, and from which range on an axis is logarithmic.
const (
	plotWidth   = 7 * vg.Inch
	marginsHigh = 1.1 * vg.Inch
	lineHigh    = 0.32 * vg.Inch
	logRange    = 20
)

// drawFigure draws each measurement of a figure, of stock Go and of ours.
func drawFigure(file string, r harness.Result, f *experiment.Figure) error {
	var values []value
	for _, name := range f.Metrics {
		what, _, _ := strings.Cut(name, "/")
		for _, side := range []struct {
			arm, label string
			shade      color.Color
		}{{"stock", "stock Go", rule}, {"weir", "ours", won}} {
			if s, ok := r.Details.Metrics[name].Arms[side.arm]; ok {
				values = append(values, value{what + ", " + side.label, s.Median, s.Low, s.High, side.shade})
			}
		}
	}
	return drawValues(file, values, r.ID+": "+r.Details.Title, f.Label, nil)
}

// drawArms draws the deciding measurement of each arm that has it.
func drawArms(file string, r harness.Result) error {
	var values []value
	for _, arm := range r.Details.Arms {
		if s, ok := r.Details.Metrics[r.Details.Metric].Arms[arm.Name]; ok {
			values = append(values, value{arm.Name, s.Median, s.Low, s.High, won})
		}
	}
	return drawValues(file, values, fmt.Sprintf("%s: %s", r.ID, r.Details.Title), fmt.Sprintf("%s (%s, %s)", r.Metric, r.Unit, r.Details.Better), nil)
}

// drawGains draws how many times better than stock each experiment's deciding
// measurement is; below 1 it is worse.
func drawGains(file string, results []harness.Result) error {
	var values []value
	for _, r := range results {
		if v, ok := gain(r); ok {
			values = append(values, v)
		}
	}
	one := 1.0
	return drawValues(file, values, "", "times better than stock Go, 95 % confidence", &one)
}

// gain is how many times better ours is. Where one side is not above zero there
// is no such number; where an interval's end is not, it ends at the median.
func gain(r harness.Result) (value, bool) {
	v := value{r.ID, r.Ratio.Median, r.Ratio.Low, r.Ratio.High, won}
	if v.median <= 0 {
		return v, false
	}
	if v.low <= 0 {
		v.low = v.median
	}
	if r.Details.Better == experiment.LowerIsBetter {
		v.median, v.low, v.high = 1/v.median, 1/v.high, 1/v.low
	}
	if v.median < 1 {
		v.shade = lost
	}
	return v, true
}

// drawValues draws one line a value, the first on top, and a rule at mark.
func drawValues(file string, values []value, title, axis string, mark *float64) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, axis
	p.Title.Padding, p.X.Padding, p.Y.Padding = 6, 4, 4
	low, high := math.Inf(1), math.Inf(-1)
	labels := make([]string, len(values))
	for i, v := range values {
		at := float64(len(values) - 1 - i)
		labels[len(values)-1-i] = v.label
		if err := addValue(p, v, at); err != nil {
			return fmt.Errorf("publish: draw %s: %w", file, err)
		}
		low, high = min(low, v.low), max(high, v.high)
	}
	if mark != nil {
		low, high = min(low, *mark), max(high, *mark)
	}
	p.NominalY(labels...)
	p.Y.Min, p.Y.Max = -0.5, float64(len(values))-0.5
	if low > 0 && high/low > logRange {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.X.Min, p.X.Max = low/1.5, high*1.5
	} else {
		p.X.Min, p.X.Max = min(0, low), high*1.1
		if p.X.Max <= p.X.Min {
			p.X.Max = p.X.Min + 1
		}
	}
	if mark != nil {
		line, err := plotter.NewLine(plotter.XYs{{X: *mark, Y: p.Y.Min}, {X: *mark, Y: p.Y.Max}})
		if err != nil {
			return fmt.Errorf("publish: draw %s: %w", file, err)
		}
		line.Color, line.Dashes = rule, []vg.Length{3, 3}
		p.Add(line)
	}
	canvas := vgsvg.New(plotWidth, marginsHigh+vg.Length(len(values))*lineHigh)
	p.Draw(draw.Crop(draw.New(canvas), 6, -12, 4, -6)) // labels reach over the edge
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return fmt.Errorf("publish: draw %s: %w", file, err)
	}
	return harness.WriteFile(file, text.Bytes())
}

// addValue adds a point, its interval and its number.
func addValue(p *plot.Plot, v value, at float64) error {
	points := plotter.XYs{{X: v.median, Y: at}}
	dot, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	dot.Shape, dot.Radius, dot.Color = draw.CircleGlyph{}, 3.5, v.shade
	interval, err := plotter.NewLine(plotter.XYs{{X: v.low, Y: at}, {X: v.high, Y: at}})
	if err != nil {
		return err
	}
	interval.Color, interval.Width = v.shade, 1.5
	number, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: []string{harness.Number(v.median)}})
	if err != nil {
		return err
	}
	number.Offset = vg.Point{X: -6, Y: 5}
	p.Add(interval, dot, number)
	return nil
}
