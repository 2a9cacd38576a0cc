//go:build unix

package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(kindVariable); kind != "" {
		serve(kind)
		return
	}
	// A machine that has much to do may say nothing for a while.
	silence = time.Minute

	const pool = "github.com/panjf2000/ants/v2.(*poolCommon)." // ants' own, which its import starts
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(pool+"purgeStaleWorkers"),
		goleak.IgnoreTopFunction(pool+"ticktock"))
}

// Every server answers right, the tables are whole, and what they are written into
// keeps the rest. Nothing is said of time.
func TestQuick(t *testing.T) {
	for _, test := range []struct {
		name    string
		cluster bool
		aims    []aim
	}{{"servers", false, aims}, {"cluster", true, clusterAims}} {
		t.Run(test.name, func(t *testing.T) {
			quick(t, &setup{path: os.Args[0], size: 128, quick: true, cluster: test.cluster}, test.aims)
		})
	}
}

func quick(t *testing.T, s *setup, aims []aim) {
	folder := t.TempDir()
	s.readme, s.charts = filepath.Join(folder, "README.md"), folder
	before := "before\n" + s.section().opening + "\n"
	after := "\n" + s.section().closing + "\nafter\n"
	if err := os.WriteFile(s.readme, []byte(before+"old"+after), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s.out = &out
	tables, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != len(s.names()) {
		t.Errorf("%d tables, want %d", len(tables), len(s.names()))
	}
	left := 0
	for _, table := range tables {
		if !strings.Contains(out.String(), "### "+table.title+"\n") {
			t.Error("there is no table", table.title)
		}
		left += leftOut(t, table)
		whole(t, table, folder)
	}
	for _, aim := range aims {
		if left == 0 && !strings.Contains(out.String(), "| "+aim.work+" | ") {
			t.Error("there is no word on", aim.work)
		}
	}
	written, _ := os.ReadFile(s.readme)
	if string(written) != before+"\n"+out.String()+after {
		t.Errorf("written is\n%s", written)
	}
}

// leftOut counts rows for which the machine lacks something, as one may that is not to
// test everything.
func leftOut(t *testing.T, table *table) int {
	for label, need := range table.without {
		t.Logf("%s, %s: there is no %s", table.name, label, need)
		if os.Getenv("PARLEY_REQUIRE_SERVICES") == "1" {
			t.Error("it is required here")
		}
		if !strings.Contains(table.markdown(), "there is no "+need+" here: "+label) {
			t.Error("the table does not say so")
		}
	}
	return len(table.without)
}

func whole(t *testing.T, table *table, folder string) {
	for i, row := range table.rows {
		lost, amiss, _ := table.sums(i)
		if slices.Max(table.results[i][0].values) == 0 || lost+amiss > 0 {
			t.Errorf("%s, %s: %v", table.name, row.label, table.results[i])
		}
	}
	if len(table.rows) > 0 {
		wellFormed(t, filepath.Join(folder, table.name+".svg"))
	}
}

// What a machine does not have is left out, and the rest is measured.
func TestWithout(t *testing.T) {
	t.Setenv("PATH", "")
	s := setup{quick: true, cluster: true, tools: make(tools)}
	s.tools["nats-server"], s.tools["channels"] = "", "" // they are found beyond PATH
	var tables []*table
	for _, scenario := range all(&s) {
		table := &table{scenario: s.possible(scenario)}
		for _, r := range table.rows {
			if r.broker != "embedded" {
				t.Errorf("%s: %s is not left out", scenario.name, r.label)
			}
			table.results = append(table.results, []result{{values: make([]float64, 4)}})
		}
		for _, r := range scenario.rows {
			if _, out := table.without[r.label]; out == (table.find(r.label) >= 0) {
				t.Errorf("%s: %s is left out: %v", scenario.name, r.label, out)
			}
		}
		if text := table.markdown(); !strings.Contains(text, "no redis-server here: kit") {
			t.Error(text)
		}
		tables = append(tables, table)
	}
	if text := glance("Aims", tables); text != "" {
		t.Error(text)
	}
}

func wellFormed(t *testing.T, path string) {
	file, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	for d := xml.NewDecoder(file); err == nil; {
		_, err = d.Token()
	}
	if err != io.EOF {
		t.Error(path, err)
	}
}

// Whatever is asked for by a wrong name, or written where there are no marks, is said.
func TestMistakes(t *testing.T) {
	s := setup{out: io.Discard, quick: true, only: []string{"nothing"}}
	if _, err := s.run(); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, []byte(figures.opening), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := replace(file, figures, nil); err == nil {
		t.Error("half of the marks was enough")
	}
}

func TestFigure(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 2: "2", 0.01234: "0.012", 0.9996: "1.00", 1.234: "1.23", 9.996: "10.0", 12.34: "12.3",
		99.96: "100", 1234: "1234", -2.5: "-2.50",
	} {
		if got := figure(value); got != want {
			t.Errorf("%v is %s, want %s", value, got, want)
		}
	}
}
