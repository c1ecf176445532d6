package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/weirgo/weir/sched/schedtrace"
)

// mostGroups is how many groups have a curve, or a bar.
const mostGroups = 8

// Sizes of a plot.
const (
	width  = 8 * vg.Inch
	height = 4.5 * vg.Inch
)

var (
	shades = []color.Color{
		color.RGBA{R: 0x1f, G: 0x6f, B: 0xb4, A: 0xff}, color.RGBA{R: 0xe6, G: 0x7e, B: 0x22, A: 0xff},
		color.RGBA{R: 0x27, G: 0x8b, B: 0x4a, A: 0xff}, color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff},
		color.RGBA{R: 0x7d, G: 0x4d, B: 0xa8, A: 0xff}, color.RGBA{R: 0x7a, G: 0x55, B: 0x3a, A: 0xff},
		color.RGBA{R: 0xd0, G: 0x5f, B: 0xa6, A: 0xff}, color.RGBA{R: 0x5f, G: 0x6a, B: 0x6a, A: 0xff},
		color.RGBA{R: 0xb5, G: 0xa6, B: 0x1e, A: 0xff},
	}
	all  = color.Black
	rule = color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xff}
)

// Draw writes park.svg, run.svg and causes.svg into a folder, which it makes if it is
// not there. An error is the file system's.
func Draw(folder string, r *schedtrace.Report) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	park := func(g *schedtrace.Group) *schedtrace.Latency { return &g.Park }
	run := func(g *schedtrace.Group) *schedtrace.Latency { return &g.Run }
	for _, one := range []struct {
		name string
		draw func(*plot.Plot) error
	}{
		{"park.svg", func(p *plot.Plot) error { return curves(p, "park→scheduled", &r.Park, groups(r, park), park) }},
		{"run.svg", func(p *plot.Plot) error { return curves(p, "schedule→execute", &r.Run, groups(r, run), run) }},
		{"causes.svg", func(p *plot.Plot) error { return bars(p, groups(r, park)) }},
	} {
		p := plot.New()
		p.Title.Padding, p.X.Padding, p.Y.Padding = 6, 4, 4
		if err := one.draw(p); err != nil {
			return fmt.Errorf("plots: draw %s: %w", one.name, err)
		}
		if err := write(filepath.Join(folder, one.name), p); err != nil {
			return err
		}
	}
	return nil
}

func write(file string, p *plot.Plot) error {
	canvas := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(canvas), 6, -14, 4, -6)) // labels reach over the edge
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return fmt.Errorf("plots: draw %s: %w", file, err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o666); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	return nil
}

// groups are those of the program with a latency, in the report's order.
func groups(r *schedtrace.Report, of func(*schedtrace.Group) *schedtrace.Latency) []*schedtrace.Group {
	var list []*schedtrace.Group
	for i := range r.Groups {
		if g := &r.Groups[i]; !g.Runtime && of(g).Count > 0 && len(list) < mostGroups {
			list = append(list, g)
		}
	}
	return list
}

// percents are where curves have a point, the share above it.
var percents = []float64{100, 90, 80, 70, 60, 50, 40, 30, 20, 15, 10, 7, 5, 3, 2, 1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01}

// curves draws what share of the latencies is above a time.
func curves(p *plot.Plot, title string, whole *schedtrace.Latency, list []*schedtrace.Group, of func(*schedtrace.Group) *schedtrace.Latency) error {
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "latency", "share that is longer (%)"
	at := float64(max(whole.ThresholdNs, 1)) // of an empty report there is none
	shortest, longest := at/10, at*10
	add := func(name string, l *schedtrace.Latency, shade color.Color, wide vg.Length) error {
		points := curve(l)
		if len(points) == 0 {
			return nil
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = shade, wide
		p.Add(line)
		p.Legend.Add(name, line)
		shortest, longest = min(shortest, points[0].X), max(longest, points[len(points)-1].X)
		return nil
	}
	for i, g := range list {
		if err := add(short(g.Name), of(g), shades[i%len(shades)], 1.2); err != nil {
			return err
		}
	}
	if err := add("all", whole, all, 2); err != nil {
		return err
	}
	mark, err := plotter.NewLine(plotter.XYs{{X: at, Y: 0.01}, {X: at, Y: 100}})
	if err != nil {
		return err
	}
	mark.Color, mark.Dashes = rule, []vg.Length{3, 3}
	p.Add(mark)
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, times{}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = shortest, longest*1.3, 0.01, 100
	placeLegend(p, 3.9*vg.Inch)
	return nil
}

// placeLegend puts the legend at the top, its texts behind its marks. Texts have no room to
// spare before something else: a browser's font may be wider than the one that lengths
// are taken from.
func placeLegend(p *plot.Plot, x vg.Length) {
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs, p.Legend.Padding = true, true, x, 2
}

// short is a group's name without its package's path.
func short(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// curve is the points of one, from the shortest latency on.
func curve(l *schedtrace.Latency) plotter.XYs {
	var points plotter.XYs
	for _, above := range percents {
		if above*float64(l.Count) < 100 {
			break // of less than one latency
		}
		ns := l.Quantile(100 - above)
		points = append(points, plotter.XY{X: float64(max(ns, 1)), Y: above})
	}
	if len(points) == 0 {
		return nil
	}
	last := points[len(points)-1]
	return append(points, plotter.XY{X: max(float64(l.MaxNs), last.X), Y: max(0.01, min(last.Y, 100/float64(l.Count)))})
}

// times are marks of a logarithmic axis in ns.
type times struct{}

func (times) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		one := math.Pow(10, e)
		ticks = append(ticks, plot.Tick{Value: one, Label: time.Duration(one).String()})
		for n := 2.0; n < 10; n++ {
			ticks = append(ticks, plot.Tick{Value: n * one})
		}
	}
	return ticks
}

// bars draws the mean of each group, made of its causes.
func bars(p *plot.Plot, list []*schedtrace.Group) error {
	p.Title.Text, p.X.Label.Text = "park→scheduled by cause", "mean (µs)"
	if len(list) == 0 {
		p.X.Max = 1
		return nil
	}
	labels := make([]string, len(list))
	byCause := map[schedtrace.Cause]plotter.Values{}
	for i, g := range list {
		at := len(list) - 1 - i // the first on top
		labels[at] = short(g.Name) + strings.Repeat(" ", len(short(g.Name))/3)
		for _, c := range g.Park.Causes {
			if byCause[c.Cause] == nil {
				byCause[c.Cause] = make(plotter.Values, len(list))
			}
			byCause[c.Cause][at] = float64(c.Ns) / float64(g.Park.Count) / 1e3
		}
	}
	var below *plotter.BarChart
	for c := range schedtrace.Causes() {
		if byCause[c] == nil {
			continue
		}
		bar, err := plotter.NewBarChart(byCause[c], 14)
		if err != nil {
			return err
		}
		bar.Horizontal, bar.Color, bar.LineStyle.Width = true, shades[int(c)%len(shades)], 0
		if below != nil {
			bar.StackOn(below)
		}
		below = bar
		p.Add(bar)
		p.Legend.Add(c.String(), bar)
	}
	p.NominalY(labels...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(list))-0.4
	placeLegend(p, 4.6*vg.Inch)
	return nil
}
