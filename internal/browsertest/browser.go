// Package browsertest drives a headless Chromium, for tests of pages.
package browsertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Browser is a headless Chromium, driven over its DevTools protocol. A test that
// fails to drive it ends.
type Browser struct {
	T      testing.TB // the test that it is used by now
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
const patience = 5 * time.Minute

// New starts a browser that ends with the test, with further flags if there are any.
// Where there is none the test is skipped, or fails if PARLEY_REQUIRE_SERVICES is 1.
func New(t testing.TB, flags ...string) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	switch {
	case err == nil:
	case os.Getenv("PARLEY_REQUIRE_SERVICES") == "1":
		t.Fatalf("chromium is required here: %v", err)
	default:
		t.Skipf("no chromium to test with: %v", err)
	}
	home := t.TempDir()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	flags = append([]string{"--headless", "--no-sandbox", "--disable-gpu",
		"--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync",
		"--remote-debugging-port=0", "--user-data-dir=" + home}, flags...)
	program := exec.CommandContext(ctx, path, flags...)
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
		return &Browser{T: t, ws: ws}
	case <-gone:
		t.Fatal("chromium ended at once")
		return nil
	}
}

// call calls a method and decodes its result into results.
func (b *Browser) call(session, method string, params any, results ...any) {
	b.T.Helper()
	b.id++
	message := devtools{ID: b.id, SessionID: session, Method: method, Params: params}
	if err := b.ws.WriteJSON(message); err != nil {
		b.T.Fatalf("%s: %v", method, err)
	}
	for {
		answer := b.read()
		if answer.ID != b.id {
			b.events = append(b.events, answer)
			continue
		}
		if answer.Error != nil {
			b.T.Fatalf("%s: %s", method, answer.Error.Message)
		}
		for _, result := range results {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.T.Fatalf("%s: %v in %s", method, err, answer.Result)
			}
		}
		return
	}
}

func (b *Browser) read() (message devtools) {
	b.T.Helper()
	_ = b.ws.SetReadDeadline(time.Now().Add(patience))
	if err := b.ws.ReadJSON(&message); err != nil {
		b.T.Fatalf("chromium: %v", err)
	}
	return message
}

// await waits for an event.
func (b *Browser) await(session, event string) {
	b.T.Helper()
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

// Tab is one page in the browser.
type Tab struct {
	*Browser
	session string
}

// Person returns a window with cookies of its own, like a private one, that closes
// with the test.
func (b *Browser) Person() (context string) {
	b.T.Helper()
	var made map[string]string
	b.call("", "Target.createBrowserContext", nil, &made)
	b.T.Cleanup(func() { b.call("", "Target.disposeBrowserContext", made) })
	return made["browserContextId"]
}

// Open opens a page of a person and waits until it is loaded.
func (b *Browser) Open(person, url string) *Tab {
	b.T.Helper()
	var made struct{ TargetID, SessionID string }
	b.call("", "Target.createTarget",
		map[string]any{"url": "about:blank", "newWindow": true, "browserContextId": person}, &made)
	b.call("", "Target.attachToTarget",
		map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	page := &Tab{b, made.SessionID}
	page.call(page.session, "Page.enable", nil)
	page.call(page.session, "Log.enable", nil)
	page.call(page.session, "Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true})
	page.Navigate(url)
	return page
}

// Navigate opens another page in the tab and waits until it is loaded.
func (p *Tab) Navigate(url string) {
	p.T.Helper()
	p.forget("Page.loadEventFired")
	p.Call("Page.navigate", map[string]any{"url": url})
	p.await(p.session, "Page.loadEventFired")
}

// Back goes back to the page before and waits until it is there.
func (p *Tab) Back() {
	p.T.Helper()
	var history struct {
		CurrentIndex int
		Entries      []struct{ ID int }
	}
	p.Call("Page.getNavigationHistory", nil, &history)
	p.forget("Page.frameNavigated")
	p.Call("Page.navigateToHistoryEntry",
		map[string]any{"entryId": history.Entries[history.CurrentIndex-1].ID})
	p.await(p.session, "Page.frameNavigated")
}

// forget drops events of a kind that have come already.
func (p *Tab) forget(event string) {
	p.events = slices.DeleteFunc(p.events, func(message devtools) bool {
		return message.SessionID == p.session && message.Method == event
	})
}

// Call calls a method of the protocol in the page.
func (p *Tab) Call(method string, params any, results ...any) {
	p.T.Helper()
	p.call(p.session, method, params, results...)
}

// Eval evaluates an expression, waits if it is a promise, and returns the value.
func (p *Tab) Eval(expression string) any {
	p.T.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	p.call(p.session, "Runtime.evaluate",
		map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		p.T.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	return answer.Result.Value
}

// Until waits until a change of the document makes condition true.
func (p *Tab) Until(condition string) {
	p.T.Helper()
	p.Eval(fmt.Sprintf(`new Promise(done => {
		const look = () => { if (%s) { observer.disconnect(); done(); } };
		const observer = new MutationObserver(look);
		observer.observe(document,
			{subtree: true, childList: true, attributes: true, characterData: true});
		look();
	})`, condition))
}

// Enter types text where the focus is, and presses Enter.
func (p *Tab) Enter(text string) {
	p.T.Helper()
	p.Call("Input.insertText", map[string]any{"text": text})
	p.Press("Enter", 13, "\r")
}

// Press presses a key, such as Tab, by its name, its code and the text that it types.
func (p *Tab) Press(key string, code int, text string) {
	p.T.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		p.Call("Input.dispatchKeyEvent", map[string]any{
			"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text})
	}
}

// Screenshot returns a picture of what the window shows, as a PNG.
func (p *Tab) Screenshot() []byte {
	p.T.Helper()
	var taken struct{ Data []byte }
	p.Call("Page.captureScreenshot", map[string]any{"format": "png"}, &taken)
	return taken.Data
}

// Errors returns what the browser has complained of on the page, such as what a
// Content-Security-Policy forbids.
func (p *Tab) Errors() (list []string) {
	p.T.Helper()
	p.Eval("1") // so that what was there before has come
	for _, message := range p.events {
		if message.SessionID != p.session || message.Method != "Log.entryAdded" {
			continue
		}
		params, _ := message.Params.(map[string]any)
		entry, _ := params["entry"].(map[string]any)
		if entry["level"] == "error" {
			list = append(list, fmt.Sprint(entry["text"]))
		}
	}
	return list
}
