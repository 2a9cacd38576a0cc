package bridge

import (
	"fmt"
	"path"
	"reflect"
	"runtime"
	"strings"
)

// waitLook is one thing that could end a lane's wait.
type waitLook struct {
	end   *Lane // the end of this lane, or a call:
	call  uint64
	fn    any
	home  *Lane // nil: the pool
	aside bool  // asynchronous code, on a goroutine of its own
	begun bool
}

// lookAtWaits is called with the mutex held and while the lane sleeps: nobody changes what it waits
// for.
func (a *activation) lookAtWaits(look *laneLook) {
	if a.on.end != nil {
		look.waits = append(look.waits, waitLook{end: a.on.end})
	}
	if j := a.on.aside; j != nil {
		look.waits = append(look.waits, a.lookAtCall(j))
	}
	for _, j := range a.on.calls() {
		switch {
		case j.over():
		case len(look.waits) == fewWaits:
			look.more++
		default:
			look.waits = append(look.waits, a.lookAtCall(j))
		}
	}
}

func (a *activation) lookAtCall(j *job) waitLook {
	wait := waitLook{call: j.seq, home: j.home, aside: j.elsewhere, begun: j.running()}
	if j.bridge == a.lane.bridge { // else another mutex guards it
		wait.fn = j.work.function()
	}
	return wait
}

// describeWaits says what a lane waits for. A wait that the bridge's accounts do not name is for a
// place in a queue, or for the end of another bridge.
func (look *laneLook) describeWaits() string {
	if len(look.waits) == 0 {
		return "a place in a queue"
	}
	texts := make([]string, len(look.waits))
	for i, wait := range look.waits {
		texts[i] = wait.String()
	}
	text := strings.Join(texts, "; ")
	if look.more > 0 {
		text += fmt.Sprintf("; and %d more", look.more)
	}
	return text
}

func (w waitLook) String() string {
	if w.end != nil {
		return "the end of lane " + w.end.name()
	}
	text := fmt.Sprintf("call %d", w.call)
	if name := nameOf(w.fn); name != "" {
		text += " of " + name
	}
	switch {
	case w.aside:
		return text + ", asynchronous"
	case w.begun:
		text += ", running"
	default:
		text += ", queued"
	}
	if w.home == nil {
		return text + " on the pool"
	}
	return text + " on lane " + w.home.name()
}

// name is what a program calls the lane: its key, or where it was opened. The String method of a
// key is code of the user's: no mutex is held.
func (l *Lane) name() string {
	switch {
	case l.keyed:
		return clip(fmt.Sprint("key ", l.key))
	case l.opened == 0: // the program did not open it
		return fmt.Sprint(l.key)
	}
	frame, _ := runtime.CallersFrames([]uintptr{l.opened}).Next()
	folder, file := path.Split(frame.File)
	return clip(fmt.Sprintf("%s/%s:%d", path.Base(folder), file, frame.Line))
}

// clip bounds a text that may be anything.
func clip(text string) string {
	const most = 100
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	const dots = "\u2026"
	return strings.ToValidUTF8(text[:most-len(dots)], "") + dots
}

// ownFunctions begins the names of functions that wrap one of the user's.
const ownFunctions = "github.com/parleygo/parley/bridge."

// nameOf returns a function's name without the path of its package, "" for none that would tell
// anything.
func nameOf(fn any) string {
	if fn == nil {
		return ""
	}
	name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
	if strings.HasPrefix(name, ownFunctions) {
		return ""
	}
	return clip(strings.TrimSuffix(path.Base(name), "-fm"))
}
