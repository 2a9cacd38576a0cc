//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// setup is what is measured, and how.
type setup struct {
	out    io.Writer
	path   string // of this program
	wrk    string // the path of wrk, where it is installed
	core   int    // the servers'
	size   int    // of messages to a group
	enough time.Duration
	quick  bool
	tools  tools

	cluster bool // the other half: processes on one broker
	rounds  int
	limit   time.Duration
	only    []string
	servers []string

	readme, charts, old string
}

// of is many, or few in a quick run.
func (s *setup) of(many, few int) int {
	if s.quick {
		return few
	}
	return many
}

// list is where a curve is measured.
func (s *setup) list(sizes ...int) []int {
	if s.quick {
		return []int{sizes[0] / 10, sizes[0] / 5}
	}
	return sizes
}

// crowds is list for sockets: no further than a process may have some.
func (s *setup) crowds(sizes ...int) (list []int) {
	const others = 100 // files
	most := raiseLimit() - others
	for _, size := range s.list(sizes...) {
		list = append(list, min(size, most))
	}
	return slices.Compact(list)
}

func (s *setup) names() (names []string) {
	for _, scenario := range all(s) {
		names = append(names, scenario.name)
	}
	return names
}

// chosen are the scenarios that are asked for.
func (s *setup) chosen() ([]scenario, error) {
	scenarios := all(s)
	if s.only == nil {
		return scenarios, nil
	}
	for _, name := range s.only {
		if !slices.Contains(s.names(), name) {
			return nil, fmt.Errorf("there is no scenario %s", name)
		}
	}
	return slices.DeleteFunc(scenarios, func(scenario scenario) bool {
		return !slices.Contains(s.only, scenario.name)
	}), nil
}

// run measures all there is to measure.
func (s *setup) run() ([]*table, error) {
	scenarios, err := s.chosen()
	if err != nil {
		return nil, err
	}
	if runtime.NumCPU() > 1 {
		pin((s.core + 1) % runtime.NumCPU())
	}
	runtime.GOMAXPROCS(1)
	var text bytes.Buffer
	write := func(format string, args ...any) {
		fmt.Fprintf(io.MultiWriter(&text, s.out), format, args...)
	}
	began := time.Now()
	s.tools = make(tools)
	write("%s\n", s.machine())
	tables, err := s.measureAll(scenarios, write)
	if err != nil {
		return nil, err
	}
	write("%s\nAll that took %v.\n", glance(s.section().aims, tables), time.Since(began).Round(time.Second))
	if s.readme != "" {
		err = replace(s.readme, s.section(), text.Bytes())
	}
	return tables, err
}

// measureAll prints each table as soon as it is there.
func (s *setup) measureAll(
	scenarios []scenario, write func(string, ...any),
) (tables []*table, err error) {
	ends := time.Now().Add(s.limit)
	for i, scenario := range scenarios {
		seconds := 0.0
		for _, rest := range scenarios[i:] {
			seconds += rest.seconds
		}
		share := time.Duration(float64(time.Until(ends)) * scenario.seconds / seconds)
		t, err := s.measure(scenario, share)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", scenario.name, err)
		}
		write("\n%s", t.markdown())
		if s.charts != "" && len(t.rows) > 0 {
			file, err := t.draw(s.charts)
			if err != nil {
				return nil, err
			}
			write("\n![%s](%s)\n", t.title, file)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

const (
	much  = 0.1 // foreign time: the measurement is repeated
	tries = 3
	tick  = 10 * time.Millisecond // of the account of a core
)

// measure runs a scenario's rounds, as many as its share of the time allows.
func (s *setup) measure(scenario scenario, share time.Duration) (*table, error) {
	t := &table{scenario: s.possible(scenario)}
	t.results = make([][]result, len(t.rows))
	rounds := scenario.rounds
	if s.rounds > 0 {
		rounds = s.rounds
	}
	began := time.Now()
	for round := range s.of(rounds, 1) {
		if len(t.rows) == 0 {
			break
		}
		took := time.Since(began)
		if round > 0 && took+took/time.Duration(round) > share {
			break
		}
		for i := range t.rows {
			i = (i + round) % len(t.rows)
			r, err := s.again(t.rows[i], scenario.run, began.Add(share/2))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.rows[i].label, err)
			}
			t.results[i] = append(t.results[i], r)
		}
	}
	return t, nil
}

// again measures a row, and again where others had much of the core; of several
// measurements the one counts in which they had least. After some time it does not.
func (s *setup) again(
	r row, run func(*setup, row) (result, error), until time.Time,
) (best result, err error) {
	for try := range tries {
		measured, err := run(s, r)
		if err != nil {
			return best, err
		}
		if try == 0 || measured.foreign < best.foreign {
			best = measured
		}
		if best.foreign < much || best.slight || s.quick || time.Now().After(until) {
			break
		}
	}
	return best, nil
}

// possible leaves out rows that the machine has not what they need for.
func (s *setup) possible(all scenario) scenario {
	rows := s.withOld(s.wanted(all))
	all.rows, all.without = nil, make(map[string]string)
	for _, r := range rows {
		if missing := s.tools.missing(r); missing != "" {
			all.without[r.label] = missing
		} else {
			all.rows = append(all.rows, r)
		}
	}
	return all
}

// wanted are the rows that are asked for, and the base that they are compared with.
func (s *setup) wanted(of scenario) []row {
	return slices.DeleteFunc(slices.Clone(of.rows), func(r row) bool {
		named := func(part string) bool { return strings.Contains(r.label, part) }
		return s.servers != nil && r.label != of.base && !slices.ContainsFunc(s.servers, named)
	})
}

// withOld has the kit of another build compared, too.
func (s *setup) withOld(rows []row) (list []row) {
	name, path, ok := strings.Cut(s.old, "=")
	for _, r := range rows {
		list = append(list, r)
		if ok && strings.HasPrefix(r.label, "kit") {
			r.label, r.path = name+strings.TrimPrefix(r.label, "kit"), path
			list = append(list, r)
		}
	}
	return list
}

// section is what is between two marks of a file.
type section struct {
	opening, closing, aims string
	limit                  time.Duration // to measure what is there
}

var (
	figures = section{
		"<!-- figures: written by go run ./load -write -->", "<!-- end of figures -->",
		"Aims", 550 * time.Second,
	}
	clusterFigures = section{
		"<!-- cluster: written by go run ./load -cluster -write -->", "<!-- end of cluster -->",
		"Aims of the cluster", 270 * time.Second,
	}
)

func (s *setup) section() section {
	if s.cluster {
		return clusterFigures
	}
	return figures
}

// replace puts text between the marks of a file.
func replace(path string, where section, text []byte) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(old, []byte(where.opening))
	_, after, closed := bytes.Cut(rest, []byte(where.closing))
	if !found || !closed {
		return fmt.Errorf("%s has no %s and %s", path, where.opening, where.closing)
	}
	text = slices.Concat(before, []byte(where.opening+"\n\n"), text,
		[]byte("\n"+where.closing), after)
	return os.WriteFile(path, text, 0o644)
}
