//go:build unix

package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(kindVariable); kind != "" {
		serve(kind)
		return
	}
	const pool = "github.com/panjf2000/ants/v2.(*poolCommon)." // ants' own, which its import starts
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(pool+"purgeStaleWorkers"),
		goleak.IgnoreTopFunction(pool+"ticktock"))
}

// Every server answers right, the tables are whole, and what they are written into
// keeps the rest. Nothing is said of time.
func TestQuick(t *testing.T) {
	folder := t.TempDir()
	readme := filepath.Join(folder, "README.md")
	const before, after = "before\n" + opening + "\n", "\n" + closing + "\nafter\n"
	if err := os.WriteFile(readme, []byte(before+"old"+after), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := setup{out: &out, path: os.Args[0], size: 128, quick: true, readme: readme, charts: folder}
	tables, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != len(s.names()) {
		t.Errorf("%d tables, want %d", len(tables), len(s.names()))
	}
	for _, table := range tables {
		if !strings.Contains(out.String(), "### "+table.title+"\n") {
			t.Error("there is no table", table.title)
		}
		for i, row := range table.rows {
			lost, amiss, _ := table.sums(i)
			if table.median(i, 0) == 0 || lost+amiss > 0 {
				t.Errorf("%s, %s: %v", table.name, row.label, table.results[i])
			}
		}
		wellFormed(t, filepath.Join(folder, table.name+".svg"))
	}
	for _, aim := range aims {
		if !strings.Contains(out.String(), "| "+aim.work+" | ") {
			t.Error("there is no word on", aim.work)
		}
	}
	written, _ := os.ReadFile(readme)
	if string(written) != before+"\n"+out.String()+after {
		t.Errorf("written is\n%s", written)
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
	if err := os.WriteFile(file, []byte(opening), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := replace(file, nil); err == nil {
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
