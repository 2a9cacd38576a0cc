//go:build unix

package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// table is what a scenario's measurements have given.
type table struct {
	scenario
	results [][]result // of each row
}

// values are all of a row's measurements of one measure, in order.
func (t *table) values(row, measure int) (list []float64) {
	for _, r := range t.results[row] {
		list = append(list, r.values[measure])
	}
	slices.Sort(list)
	return list
}

func (t *table) median(row, measure int) float64 {
	list := t.values(row, measure)
	return list[len(list)/2]
}

// find returns the place of a row, or -1. Of a curve's it is the last.
func (t *table) find(label string) int {
	for i, r := range slices.Backward(t.rows) {
		if r.label == label {
			return i
		}
	}
	return -1
}

// ratio is what a row's measure is to that of another one: the median of what it was in
// each round, in which both met the same machine.
func (t *table) ratio(row, other, measure int) float64 {
	own, its := t.results[row], t.results[other]
	var list []float64
	for i := range min(len(own), len(its)) {
		list = append(list, own[i].values[measure]/its[i].values[measure])
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// toBase is the ratio of a row's first measure to that of the base, in words.
func (t *table) toBase(row int) string {
	base := t.find(t.base)
	if base < 0 {
		return "–" // it was left out
	}
	return fmt.Sprintf("%.2f", t.ratio(row, base, 0))
}

func (t *table) sums(row int) (lost, amiss int, foreign float64) {
	for _, r := range t.results[row] {
		lost, amiss, foreign = lost+r.lost, amiss+r.amiss, foreign+r.foreign
	}
	return lost, amiss, foreign / float64(len(t.results[row]))
}

// markdown is the table with its title.
func (t *table) markdown() string {
	about := ""
	if t.about != "" {
		about = t.about + "\n\n"
	}
	for _, r := range slices.Sorted(maps.Keys(t.without)) {
		about += fmt.Sprintf("Left out, for there is no %s here: %s.\n\n", t.without[r], r)
	}
	head := "### " + t.title + "\n\n" + about
	if len(t.rows) == 0 {
		return head
	}
	if t.axis != "" {
		return head + t.pivot()
	}
	columns := []string{"", t.measures[0] + ": median (from – to)", "x " + t.base}
	columns = append(columns, t.measures[1:]...)
	if t.losses {
		columns = append(columns, "lost", "out of order")
	}
	lines := [][]string{append(columns, "rounds", "foreign")}
	for i, r := range t.rows {
		list := t.values(i, 0)
		cells := []string{r.label, fmt.Sprintf("%s (%s – %s)", figure(t.median(i, 0)),
			figure(list[0]), figure(list[len(list)-1])), t.toBase(i)}
		for m := 1; m < len(t.measures); m++ {
			cells = append(cells, figure(t.median(i, m)))
		}
		lost, amiss, foreign := t.sums(i)
		if t.losses {
			cells = append(cells, fmt.Sprint(lost), fmt.Sprint(amiss))
		}
		lines = append(lines, append(cells, fmt.Sprint(len(list)), fmt.Sprintf("%.0f %%", 100*foreign)))
	}
	return head + layout(lines)
}

// pivot is a curve: one line for each n, one column for each server and measure.
func (t *table) pivot() string {
	lines := [][]string{{t.axis}}
	lost, amiss := 0, 0
	for i, r := range t.rows {
		for m, measure := range t.measures {
			if r.n == t.rows[0].n {
				lines[0] = append(lines[0], r.label+": "+measure)
			}
			if m == 0 && (i == 0 || r.n != t.rows[i-1].n) {
				lines = append(lines, []string{fmt.Sprint(r.n)})
			}
			last := len(lines) - 1
			lines[last] = append(lines[last], figure(t.median(i, m)))
		}
		l, a, _ := t.sums(i)
		lost, amiss = lost+l, amiss+a
	}
	text := layout(lines)
	if t.losses {
		text += fmt.Sprintf("\n%d messages were lost and %d came out of order.\n", lost, amiss)
	}
	return text
}

// layout is Markdown for a table whose first line is its head.
func layout(lines [][]string) string {
	var text strings.Builder
	for i, cells := range lines {
		text.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		if i == 0 {
			text.WriteString("|---|" + strings.Repeat("--:|", len(cells)-1) + "\n")
		}
	}
	return text.String()
}

// figure writes three digits, or all those before the point, and whole numbers as such.
func figure(v float64) string {
	switch {
	case v >= 99.95 || v <= -99.95 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995 || v <= -9.995:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.9995 || v <= -0.9995:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
