package parley

import (
	"bytes"
	"errors"
	"io"
	"math"
	"mime/multipart"
	"os"
	"strings"
)

// FormFile is a file of a form, in memory or in a part of the form's temporary file.
// It reads, seeks and knows its Size until the form is closed.
type FormFile struct {
	// Name is what the client calls it, without folders, be they written with "/" or
	// with "\"; it is empty if nothing else is left. It is no path to write to.
	Name string

	ContentType string // as the client says
	*io.SectionReader
}

// FormUpload is a file of a form that is read as it comes. Its Read returns errors as
// ReadForm does.
type FormUpload struct {
	Name        string // as that of a FormFile
	ContentType string
	io.Reader
}

// Close gives back what the files take. Closing again does nothing.
func (f *Form) Close() error { return f.spool.close() }

// readMultipart reads all parts.
func (f *formReader) readMultipart(boundary string) error {
	// The parser takes the end of the body for the end of the form where a part's
	// header is cut short. It gets a last line, for a form may end without, and no end.
	body := io.MultiReader(&f.body, strings.NewReader("\r\n"), cutShort{})
	parts := multipart.NewReader(body, boundary)
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return f.malformed(err)
		}
		if err := f.addPart(part); err != nil {
			return err
		}
	}
}

// cutShort is what follows a body that has no end of its own.
type cutShort struct{}

func (cutShort) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// addPart takes one part. One without a name is for nobody.
func (f *formReader) addPart(part *multipart.Part) error {
	field, file := part.FormName(), part.FileName() // which knows the folders of this platform only
	typ := part.Header.Get("Content-Type")
	if err := f.charge(int64(len(field) + len(file) + len(typ))); err != nil {
		return err
	}
	data := formPart{part, f}
	switch {
	case field == "":
		return nil
	case file == "":
		return f.addValue(field, data)
	case f.OnFile != nil:
		return f.OnFile(field, FormUpload{withoutFolders(file), typ, data})
	}
	kept, err := f.keep(data)
	if err != nil {
		return err
	}
	if f.form.Files == nil {
		f.form.Files = make(map[string][]*FormFile)
	}
	f.form.Files[field] = append(f.form.Files[field], &FormFile{withoutFolders(file), typ, kept})
	return nil
}

// withoutFolders takes the folders off a file's name, and a name that is one.
func withoutFolders(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if name == "." || name == ".." {
		return ""
	}
	return name
}

// formPart is the data of a part.
type formPart struct {
	part *multipart.Part
	form *formReader
}

func (p formPart) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err != nil && err != io.EOF {
		err = p.form.malformed(err)
	}
	return n, err
}

func (f *formReader) addValue(field string, data io.Reader) error {
	value, err := f.readValue(data)
	if err == nil {
		f.form.Values.Add(field, value)
	}
	return err
}

// keep keeps a file, in memory if there is room.
func (f *formReader) keep(data io.Reader) (*io.SectionReader, error) {
	var memory bytes.Buffer
	size, err := io.CopyN(&memory, data, min(f.MaxMemory, math.MaxInt64-1)+1)
	switch {
	case err == nil:
		return f.form.spool.keep(f.Dir, io.MultiReader(&memory, data))
	case err != io.EOF:
		return nil, err
	}
	f.MaxMemory -= size
	return io.NewSectionReader(bytes.NewReader(memory.Bytes()), 0, size), nil
}

// spool is a temporary file. It has no name any more, unless the platform insists.
type spool struct {
	file *os.File
	name string
	size int64
}

// keep appends data and returns where it is.
func (s *spool) keep(dir string, data io.Reader) (*io.SectionReader, error) {
	if s.file == nil {
		file, err := os.CreateTemp(dir, "parley-form-")
		if err != nil {
			return nil, err
		}
		s.file = file
		if os.Remove(file.Name()) != nil {
			s.name = file.Name()
		}
	}
	start := s.size
	size, err := io.Copy(s.file, data)
	s.size += size
	return io.NewSectionReader(s.file, start, size), err
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	if s.name != "" {
		return errors.Join(err, os.Remove(s.name))
	}
	return err
}
