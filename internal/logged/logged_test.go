package logged

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestMark(t *testing.T) {
	marked := Mark(io.ErrUnexpectedEOF)
	if !Is(marked) || !Is(fmt.Errorf("above: %w", marked)) || Is(io.ErrUnexpectedEOF) || Is(nil) {
		t.Error("what was marked is not told from what was not")
	}
	if !errors.Is(marked, io.ErrUnexpectedEOF) || marked.Error() != io.ErrUnexpectedEOF.Error() {
		t.Errorf("marked, the error is %v", marked)
	}
}
