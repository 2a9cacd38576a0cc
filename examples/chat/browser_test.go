package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// browser is a headless Chromium, driven over its DevTools protocol.
type browser struct {
	t      *testing.T
	ws     *websocket.Conn
	id     int
	events []devtools // not waited for yet
}

// devtools is a message of the protocol, of any kind.
type devtools struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    any             `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// patience is how long a browser may take for anything before the test fails.
const patience = time.Minute

// newBrowser starts a browser that ends with the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	need(t, "chromium", err)
	home := t.TempDir()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	program := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--remote-debugging-port=0", "--user-data-dir="+home)
	program.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home)
	stderr, err := program.StderrPipe()
	if err == nil {
		err = program.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	found, gone := make(chan string, 1), make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-gone // with all its processes, so that the directory can be removed
		_ = program.Wait()
	})
	go func() {
		defer close(gone)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
				found <- url
			}
		}
	}()
	select {
	case url := <-found:
		ws, _, err := websocket.DefaultDialer.Dial(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.Close() })
		return &browser{t: t, ws: ws}
	case <-gone:
		t.Fatal("chromium ended at once")
		return nil
	}
}

// call calls a method and decodes its result into results.
func (b *browser) call(session, method string, params any, results ...any) {
	b.t.Helper()
	b.id++
	if err := b.ws.WriteJSON(devtools{ID: b.id, SessionID: session, Method: method, Params: params}); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		answer := b.read()
		if answer.ID != b.id {
			b.events = append(b.events, answer)
			continue
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		for _, result := range results {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatalf("%s: %v in %s", method, err, answer.Result)
			}
		}
		return
	}
}

func (b *browser) read() (message devtools) {
	b.t.Helper()
	_ = b.ws.SetReadDeadline(time.Now().Add(patience))
	if err := b.ws.ReadJSON(&message); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	return message
}

// await waits for an event.
func (b *browser) await(session, event string) {
	b.t.Helper()
	for {
		for i, message := range b.events {
			if message.SessionID == session && message.Method == event {
				b.events = append(b.events[:i], b.events[i+1:]...)
				return
			}
		}
		b.events = append(b.events, b.read())
	}
}

// tab is one page in the browser.
type tab struct {
	*browser
	session string
}

// person returns a window with cookies of its own, like a private one, that closes
// with the test.
func (b *browser) person() (context string) {
	b.t.Helper()
	var made map[string]string
	b.call("", "Target.createBrowserContext", nil, &made)
	b.t.Cleanup(func() { b.call("", "Target.disposeBrowserContext", made) })
	return made["browserContextId"]
}

// open opens a page of a person and waits until it is loaded.
func (b *browser) open(person, url string) *tab {
	b.t.Helper()
	var made struct{ TargetID, SessionID string }
	b.call("", "Target.createTarget",
		map[string]any{"url": "about:blank", "newWindow": true, "browserContextId": person}, &made)
	b.call("", "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	page := &tab{b, made.SessionID}
	page.call(page.session, "Page.enable", nil)
	page.call(page.session, "Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true})
	page.call(page.session, "Page.navigate", map[string]any{"url": url})
	page.await(page.session, "Page.loadEventFired")
	return page
}

// eval evaluates an expression, waits if it is a promise, and returns the value.
func (p *tab) eval(expression string) any {
	p.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	p.call(p.session, "Runtime.evaluate",
		map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	return answer.Result.Value
}

// until waits until a change of the document makes condition true.
func (p *tab) until(condition string) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`new Promise(done => {
		const look = () => { if (%s) { observer.disconnect(); done(); } };
		const observer = new MutationObserver(look);
		observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
		look();
	})`, condition))
}

// enter types text where the focus is, and presses Enter.
func (p *tab) enter(text string) {
	p.t.Helper()
	p.call(p.session, "Input.insertText", map[string]any{"text": text})
	for _, kind := range []string{"keyDown", "keyUp"} {
		p.call(p.session, "Input.dispatchKeyEvent",
			map[string]any{"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"})
	}
}
