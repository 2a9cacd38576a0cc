package client_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/parleygo/parley/internal/browsertest"
	"github.com/parleygo/parley/internal/servicetest"
)

// scenarios are those of test/scenarios.js.
func scenarios(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("test/scenarios.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^\tasync (\w+)\(stage\)`).FindAllSubmatch(text, -1) {
		names = append(names, string(found[1]))
	}
	if len(names) < 10 {
		t.Fatalf("there are no more than %q", names)
	}
	return names
}

// setting is what a scenario is given.
type setting struct {
	Name      string `json:"name"`
	Room      string `json:"room"`
	Door      string `json:"door"`
	Transport string `json:"transport"`
}

// play runs scenarios by some transports, each with a server of its own: all with an app
// that speaks the wire by hand, and those that are about a history with a consumer, too.
func play(t *testing.T, transports []string, run func(*testing.T, *stage, setting) string) {
	act := func(cast func(*testing.T) cast, transport, name string) func(*testing.T) {
		return func(t *testing.T) {
			s := newStage(t, cast(t))
			got := run(t, s, setting{name, s.url() + "/room", s.control.URL, transport})
			if got != "ok" {
				t.Error(got)
			}
		}
	}
	byHand := func(*testing.T) cast { return newWire() }
	for _, transport := range transports {
		for _, name := range scenarios(t) {
			if name == "seesOthers" {
				continue
			}
			t.Run(transport+"/"+name, act(byHand, transport, name))
		}
		for _, name := range []string{
			"waitsInOrder", "hearsOnceAcrossCuts", "hearsOnceAcrossRestarts", "goesOnAcrossReloads",
			"saysWhatIsMissedOfGroupsThatFindNoRoom", "seesOthers",
		} {
			t.Run(transport+"/consumer/"+name, act(newTroupe, transport, name))
		}
	}
}

// TestNode runs the scenarios in Node, which has no socket before version 22.
func TestNode(t *testing.T) {
	node := servicetest.Program(t, "node")
	program := exec.CommandContext(t.Context(), node, "test/node.js")
	program.Stderr = os.Stderr
	input, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		input.Close()
		_, _ = io.Copy(io.Discard, output) // until it ends
		if err := program.Wait(); err != nil {
			t.Error(err)
		}
	}()
	answers := bufio.NewReader(output)
	play(t, []string{"sse", "poll"}, func(t *testing.T, _ *stage, given setting) (got string) {
		if err := json.NewEncoder(input).Encode(given); err != nil {
			t.Fatal(err)
		}
		line, err := answers.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	})
}

// TestBrowser runs them in Chromium, a page for each.
func TestBrowser(t *testing.T) {
	chromium := browsertest.New(t)
	play(t, []string{"websocket", "sse", "poll"}, func(t *testing.T, s *stage, given setting) string {
		chromium.T = t
		page := chromium.Open(chromium.Person(), s.url()+"/")
		given.Room = "/room"
		said, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(page.Eval(fmt.Sprintf(
			`import('/client/test/scenarios.js').then(({run}) => run(%q, %s))`, given.Name, said)))
	})
}
