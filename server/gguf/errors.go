package gguf

import (
	"errors"
	"fmt"
)

// What can be wrong with a file. Errors of Open, Read and Check wrap one of
// these, or an error of the operating system.
var (
	ErrNotGGUF   = errors.New("not a GGUF file")
	ErrVersion   = errors.New("GGUF version not supported")
	ErrBigEndian = errors.New("big-endian GGUF file")
	ErrTruncated = errors.New("truncated")
	ErrMalformed = errors.New("malformed")
)

// remedies end what an operator sees.
var remedies = map[error]string{
	ErrNotGGUF:   "give a model in GGUF format, such as llama.cpp's convert_hf_to_gguf.py writes",
	ErrVersion:   "convert the model again with a current llama.cpp",
	ErrBigEndian: "convert it with llama.cpp's gguf_convert_endian.py to little-endian",
	ErrTruncated: "download or copy it again",
	ErrMalformed: "the file is damaged or was written by a broken tool: download or convert it again",
}

// fileError says what is wrong with a file, and what to do.
type fileError struct {
	kind   error
	detail string
}

func (e *fileError) Error() string {
	text := e.kind.Error()
	if e.detail != "" {
		text += ": " + e.detail
	}
	return text + "; " + remedies[e.kind]
}

func (e *fileError) Unwrap() error { return e.kind }

func malformed(format string, args ...any) error {
	return &fileError{ErrMalformed, fmt.Sprintf(format, args...)}
}

// Malformed returns an [ErrMalformed] with that detail, for packages that find
// more wrong with a file than this one looks for.
func Malformed(format string, args ...any) error { return malformed(format, args...) }

// truncated says how many bytes a file needs; bound is "" or "at least ".
func truncated(bound string, needBytes, haveBytes uint64) error {
	return &fileError{ErrTruncated, fmt.Sprintf("needs %s%d bytes, has %d", bound, needBytes, haveBytes)}
}
