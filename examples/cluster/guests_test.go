package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/parleygo/parley/internal/servicetest"
)

// patience is how long the test waits for anything: a lease, and a machine that has much to do.
const patience = 2 * time.Minute

// process is one of the example's, which can be killed.
type process struct {
	*servicetest.Process
	addr string
}

// processes starts so many, as the example itself does.
func processes(t *testing.T, count int, args ...string) (all []*process) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	peers := freePeers(t, count)
	for i := range count {
		all = append(all, &process{servicetest.Start(t, program, append([]string{
			"-addr", "127.0.0.1:0", "-number", strconv.Itoa(i + 1), "-peers", strings.Join(peers, ","),
		}, args...)...), ""})
	}
	for _, p := range all {
		p.Await(func() error {
			_, rest, listens := strings.Cut(p.Output(), ": http://")
			addr, _, whole := strings.Cut(rest, "/\n")
			if p.addr = addr; !listens || !whole {
				return fmt.Errorf("%q", p.Output())
			}
			return nil
		})
	}
	return all
}

func freePeers(t *testing.T, count int) (addrs []string) {
	t.Helper()
	for range count {
		addrs = append(addrs, "127.0.0.1:"+servicetest.FreePort(t))
	}
	return addrs
}

// news is what a guest tells, see testdata/guest.mjs.
type news struct {
	Line   string
	Gap    string
	Open   string
	Here   []string
	Closed int
}

// visitor is a guest with parley.js, behind something that chooses its process.
type visitor struct {
	t     *testing.T
	name  string
	proxy *servicetest.Proxy

	mu    sync.Mutex
	heard []string
	gaps  []string
	opens int
	here  []string
}

func visit(t *testing.T, transport string, at *process) *visitor {
	t.Helper()
	node := servicetest.Program(t, "node")
	v := &visitor{t: t, name: transport, proxy: servicetest.StartProxy(t, at.addr)}
	command := exec.Command(node, "--no-warnings", "--experimental-websocket", "testdata/guest.mjs",
		"http://"+v.proxy.Addr+"/chat?name="+url.QueryEscape(transport), transport)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { v.listen(bufio.NewScanner(output)) })
	t.Cleanup(func() {
		input.Close()
		reading.Wait()
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func (v *visitor) listen(lines *bufio.Scanner) {
	for lines.Scan() {
		var n news
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			v.t.Errorf("%s: %q: %v", v.name, lines.Text(), err)
		}
		v.mu.Lock()
		switch {
		case n.Line != "":
			v.heard = append(v.heard, n.Line)
		case n.Gap != "":
			v.gaps = append(v.gaps, n.Gap)
		case n.Open != "":
			v.opens++
		case n.Here != nil:
			v.here = n.Here
		default:
			v.t.Errorf("%s: %q", v.name, lines.Text())
		}
		v.mu.Unlock()
	}
}

// until waits for something to hold of the visitor.
func (v *visitor) until(what string, holds func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		v.mu.Lock()
		done := holds()
		told := fmt.Sprintf("%d lines, %q last, gaps %q, opened %d times, here %q",
			len(v.heard), v.heard[max(0, len(v.heard)-3):], v.gaps, v.opens, v.here)
		v.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			v.t.Fatalf("%s: not %s: %s", v.name, what, told)
		}
	}
}

func (v *visitor) hears(total int) {
	v.t.Helper()
	v.until(fmt.Sprint("heard ", total), func() bool { return len(v.heard) >= total })
}

// moves has the visitor lose its connection and come back to another process.
func (v *visitor) moves(to *process) {
	v.proxy.Point(to.addr)
	v.proxy.Drop()
}

// host says lines, by the first process, and counts who comes and goes.
type host struct {
	t     *testing.T
	conn  *websocket.Conn
	said  int
	again int // lines that were said again, since nobody knew whether they were heard

	heard chan bool // the answers: whether it was

	mu           sync.Mutex
	joined, left map[string]int    // by the id of the stay
	names        map[string]string // of those who are here
}

func newHost(t *testing.T, at *process) *host {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+at.addr+"/chat?name=host", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, conn: conn, joined: make(map[string]int), left: make(map[string]int),
		names: make(map[string]string), heard: make(chan bool, 1)}
	var reading sync.WaitGroup
	reading.Go(h.listen)
	t.Cleanup(func() { conn.Close(); reading.Wait() })
	return h
}

func (h *host) listen() {
	for {
		var m struct {
			Type, Member string
			Show         person
			Error        any
			Members      []struct {
				Member string
				Show   person
			}
		}
		if err := h.conn.ReadJSON(&m); err != nil {
			return
		}
		h.mu.Lock()
		switch m.Type {
		case "presence.state":
			for _, one := range m.Members {
				h.names[one.Member] = one.Show.Name // the join of one may follow, or may not
			}
		case "presence.join":
			h.joined[m.Member]++
			h.names[m.Member] = m.Show.Name
		case "presence.leave":
			h.left[m.Member]++
			delete(h.names, m.Member)
		case "parley.reply":
			h.heard <- m.Error == nil
		}
		h.mu.Unlock()
	}
}

// says says so many lines, each of which is the next number. One that fails, as it may
// where a process was killed, is said again.
func (h *host) says(lines int) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	for range lines {
		for said := false; !said; h.again++ {
			say := map[string]any{"type": "line", "id": h.said + h.again + 1, "text": fmt.Sprint(h.said)}
			if err := h.conn.WriteJSON(say); err != nil || time.Now().After(deadline) {
				h.t.Fatalf("not said: %v", err)
			}
			select {
			case said = <-h.heard:
			case <-time.After(patience):
				h.t.Fatalf("%d: no answer", h.said)
			}
		}
		h.again--
		h.said++
	}
}

// sees waits until the host knows of these and nobody else, and checks that each stay
// began once and has ended once or not at all.
func (h *host) sees(names ...string) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		var here []string
		for _, name := range h.names {
			here = append(here, name)
		}
		h.mu.Unlock()
		if slices.Sort(here); slices.Equal(here, names) {
			break
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("here are %q, want %q", here, names)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, times := range h.joined {
		_, here := h.names[id]
		if times != 1 || h.left[id] > 1 || here == (h.left[id] == 1) {
			h.t.Errorf("a stay began %d times and ended %d times", times, h.left[id])
		}
	}
	for id := range h.left {
		if h.joined[id] == 0 {
			h.t.Error("a stay ended that had not begun")
		}
	}
}
