//go:build unix

package main

import (
	"bytes"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Ink is what words and axes are drawn with. It becomes the colour of the text around
// the chart, be the page light or dark.
var (
	ink  = color.RGBA{1, 2, 3, 255}
	kit  = color.RGBA{47, 129, 247, 255}
	peer = color.RGBA{139, 148, 158, 255}
)

// draw writes the chart of a table into a folder, and returns its path.
func (t *table) draw(folder string) (string, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	plotter.DefaultFont = plot.DefaultFont
	p := plot.New()
	p.BackgroundColor = nil
	for _, style := range []*color.Color{
		&p.X.Label.TextStyle.Color, &p.X.Color, &p.X.Tick.Color, &p.X.Tick.Label.Color,
		&p.Y.Label.TextStyle.Color, &p.Y.Color, &p.Y.Tick.Color, &p.Y.Tick.Label.Color,
		&p.Legend.TextStyle.Color,
	} {
		*style = ink
	}
	height := 3 * vg.Inch
	if t.axis != "" {
		if err := t.curves(p); err != nil {
			return "", err
		}
	} else {
		height = vg.Length(len(t.rows))*22 + 50
		if err := t.bars(p); err != nil {
			return "", err
		}
	}
	svg, err := p.WriterTo(6.5*vg.Inch, height, "svg")
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if _, err := svg.WriteTo(&text); err != nil {
		return "", err
	}
	file := filepath.Join(folder, t.name+".svg")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	return filepath.ToSlash(file), os.WriteFile(file, []byte(themed(text.String())), 0o644)
}

// themed lets ink follow the page.
func themed(svg string) string {
	const style = `<style>svg{color:#1f2328}` +
		`@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>`
	svg = strings.ReplaceAll(svg, "#010203", "currentColor")
	svg = strings.ReplaceAll(svg, "Liberation Sans", "Liberation Sans,Arial,Helvetica,sans-serif")
	at := strings.Index(svg, "<svg")
	end := at + strings.Index(svg[at:], ">") + 1
	return svg[:end] + style + svg[end:]
}

// bars has a bar for each row, the first one on top.
func (t *table) bars(p *plot.Plot) error {
	p.X.Label.Text = t.measures[0]
	p.X.Min = 0
	count := len(t.rows)
	own, others := make(plotter.Values, count), make(plotter.Values, count)
	labels, spots := make([]string, count), make(plotter.XYs, count)
	words := make([]string, count)
	for i, r := range t.rows {
		place, value := count-1-i, t.median(i, 0)
		if strings.HasPrefix(r.label, "kit") {
			own[place] = value
		} else {
			others[place] = value
		}
		labels[place], words[place] = r.label, figure(value)
		spots[place] = plotter.XY{X: value, Y: float64(place)}
	}
	for _, bars := range []struct {
		values plotter.Values
		color  color.Color
	}{{own, kit}, {others, peer}} {
		chart, err := plotter.NewBarChart(bars.values, 14)
		if err != nil {
			return err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, bars.color, 0
		p.Add(chart)
	}
	figures, err := plotter.NewLabels(plotter.XYLabels{XYs: spots, Labels: words})
	if err != nil {
		return err
	}
	figures.Offset.X = 4
	for i := range figures.TextStyle {
		figures.TextStyle[i].Color = ink
		figures.TextStyle[i].YAlign = -0.4
	}
	p.Add(figures)
	p.NominalY(labels...)
	p.X.Max = 1.15 * slices.Max(slices.Concat(own, others))
	return nil
}

// curves has a line for each server.
func (t *table) curves(p *plot.Plot) error {
	p.X.Label.Text, p.Y.Label.Text = t.axis, t.measures[0]
	var ticks plot.ConstantTicks
	for _, r := range t.rows {
		ticks = append(ticks, plot.Tick{Value: float64(r.n), Label: strconv.Itoa(r.n)})
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, ticks
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	lines := map[string]plotter.XYs{}
	for i, r := range t.rows {
		lines[r.label] = append(lines[r.label], plotter.XY{X: float64(r.n), Y: t.median(i, 0)})
		p.Y.Max = max(p.Y.Max, 1.3*t.median(i, 0))
	}
	for _, r := range t.rows[:len(lines)] {
		line, points, err := plotter.NewLinePoints(lines[r.label])
		if err != nil {
			return err
		}
		line.Width, line.Color = 2, peer
		if r.label == "kit" {
			line.Color = kit
		}
		points.Color = line.Color
		p.Add(line, points)
		p.Legend.Add(r.label, line, points)
	}
	return nil
}
