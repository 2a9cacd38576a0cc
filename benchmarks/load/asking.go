//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/sys/unix"
)

// asked is something to ask a server: the bytes to send, how long the answer is, and
// what it begins with.
type asked struct {
	request, answer []byte
	size            int
}

// askers are clients that ask, each the next question when it has its answer.
type askers struct {
	*clients
	questions []asked
	states    []asker
	buffer    []byte

	answered, amiss int
}

type asker struct {
	question int // which one
	got      int // bytes of its answer
	left     int // questions to ask
}

func (c *clients) askers(questions []asked) (*askers, error) {
	a := &askers{
		clients: c, questions: questions, states: make([]asker, len(c.fds)), buffer: make([]byte, 64<<10),
	}
	for i := range a.states {
		a.states[i].question = i % len(questions)
	}
	return a, c.poll(len(c.fds))
}

// ask has each client ask so often, and returns when all have been answered, or nobody
// has for a while.
func (a *askers) ask(each int) error {
	for i := range a.states {
		a.states[i].left = each - 1
		if err := a.send(i); err != nil {
			return err
		}
	}
	wanted := a.answered + each*len(a.states)
	_, err := a.listen(func() bool { return a.answered >= wanted }, a.read)
	return err
}

// send sends a question whole: the last one has been answered, so there is room.
func (a *askers) send(i int) error {
	request := a.questions[a.states[i].question].request
	n, err := unix.Write(a.fds[i], request)
	if err == nil && n < len(request) {
		err = io.ErrShortWrite
	}
	return err
}

// read reads what has come of an answer, no more, and compares.
func (a *askers) read(i int) error {
	state := &a.states[i]
	question := &a.questions[state.question]
	n, err := unix.Read(a.fds[i], a.buffer[:question.size-state.got])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.ErrUnexpectedEOF
	}
	if want := question.answer[min(state.got, len(question.answer)):]; len(want) > 0 {
		m := min(n, len(want))
		if !bytes.Equal(a.buffer[:m], want[:m]) {
			a.amiss++
		}
	}
	if state.got += n; state.got < question.size {
		return nil
	}
	a.answered++
	state.got, state.question = 0, (state.question+1)%len(a.questions)
	if state.left == 0 {
		return nil
	}
	state.left--
	return a.send(i)
}

// echoed are messages that come back as they are, two of them so that no answer is
// that to the question before.
func echoed(size int) (questions []asked) {
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	for _, letter := range []string{"a", "b"} {
		data := bytes.Repeat([]byte(letter), size)
		answer := append(frameHead(nil, binaryFrame, size), data...)
		request := frameHead(nil, binaryFrame, size)
		request[1] |= 0x80
		request = append(request, key[:]...)
		for i, b := range data {
			request = append(request, b^key[i%4])
		}
		questions = append(questions, asked{request: request, answer: answer, size: len(answer)})
	}
	return questions
}

// learn asks the API's questions once, looks whether the answers are right, and
// remembers how long they are: they differ in their date at most.
func (p *process) learn() (questions []asked, err error) {
	c, err := p.connect(1, func(int) error { return nil })
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := unix.SetNonblock(c.fds[0], false); err != nil {
		return nil, err
	}
	for i := range routes {
		path, want := question(i)
		request := fmt.Appendf(nil,
			"GET %s HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: load\r\n\r\n", path)
		if _, err := unix.Write(c.fds[0], request); err != nil {
			return nil, err
		}
		head, err := readHead(c.fds[0])
		if err != nil {
			return nil, err
		}
		body := make([]byte, len(want))
		if _, err := unix.Read(c.fds[0], body); err != nil {
			return nil, err
		}
		const fine = "HTTP/1.1 200 OK\r\n"
		length := "\r\nContent-Length: " + strconv.Itoa(len(want)) + "\r\n"
		if !bytes.HasPrefix(head, []byte(fine)) || !bytes.Contains(head, []byte(length)) ||
			string(body) != want {
			return nil, fmt.Errorf("%s is answered with %s%s", path, head, body)
		}
		questions = append(questions, asked{
			request: request, answer: []byte(fine), size: len(head) + len(body),
		})
	}
	return questions, nil
}
