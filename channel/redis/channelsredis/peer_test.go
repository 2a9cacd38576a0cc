package channelsredis

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

// peer is a Channels program, in a process of its own: testdata/peer.py.
type peer struct {
	t      *testing.T
	in     io.WriteCloser
	did    chan event
	events chan event
}

type event struct {
	Name    string
	Message json.RawMessage
	Invalid bool
	Did     json.RawMessage
	Error   string
}

// patience is how long anything may take before a test fails.
const patience = 60 * time.Second

// python is one that has Django Channels and channels_redis.
func python(t *testing.T) string {
	t.Helper()
	path := servicetest.Program(t, "/usr/bin/python3", "python3")
	if err := exec.Command(path, "-c", "import channels_redis, cryptography").Run(); err != nil {
		if os.Getenv("PARLEY_REQUIRE_SERVICES") == "1" {
			t.Fatal("channels_redis is required here")
		}
		t.Skip("no channels_redis to test with")
	}
	return path
}

// startPeer starts one that ends with the test.
func startPeer(t *testing.T, setup map[string]any) *peer {
	t.Helper()
	arguments, err := json.Marshal(setup)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(python(t), "testdata/peer.py", string(arguments))
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, in: in, did: make(chan event, 1), events: make(chan event, 10_000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	t.Cleanup(func() {
		in.Close()
		timer := time.AfterFunc(5*time.Second, func() { _ = command.Process.Kill() })
		defer timer.Stop()
		<-read
		_ = command.Wait() // it may have been killed
	})
	return p
}

func (p *peer) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			p.t.Errorf("the peer says %s", lines.Text())
			continue
		}
		if e.Did != nil {
			p.did <- e
		} else {
			p.events <- e
		}
	}
}

// try has the peer do something, and returns what comes of it.
func (p *peer) try(what string, arguments map[string]any) (result string, problem string) {
	p.t.Helper()
	command := map[string]any{"do": what}
	for key, value := range arguments {
		command[key] = value
	}
	line, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
	select {
	case e := <-p.did:
		_ = json.Unmarshal(e.Did, &result) // most have no result
		return result, e.Error
	case <-time.After(patience):
		p.t.Fatalf("the peer does not %s", what)
	}
	return "", ""
}

func (p *peer) do(what string, arguments map[string]any) string {
	p.t.Helper()
	result, problem := p.try(what, arguments)
	if problem != "" {
		p.t.Fatalf("%s: %s", what, problem)
	}
	return result
}

// next is the next message that the peer receives.
func (p *peer) next() event {
	p.t.Helper()
	select {
	case e := <-p.events:
		return e
	case <-time.After(patience):
		p.t.Fatal("the peer receives nothing")
	}
	return event{}
}

// same reports whether two texts are the same JSON.
func same(t *testing.T, got, want string) bool {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Errorf("no JSON: %s", got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatalf("no JSON: %s", want)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// receive is the next message of an inbox.
func receive(t *testing.T, inbox *channel.Inbox) channel.Message {
	t.Helper()
	ctx, cancel := timeout(t)
	defer cancel()
	message, err := inbox.Receive(ctx)
	if err != nil {
		t.Fatalf("the inbox receives nothing: %v", err)
	}
	return message
}
