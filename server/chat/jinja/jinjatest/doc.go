// Package jinjatest renders templates as Hugging Face's transformers does, in a
// Python with jinja2 (Debian's python3-jinja2), for tests that compare.
//
//	r := jinjatest.Start(t)
//	text, refused := r.Render(t, "{{ a }}", `{"a": 1}`)
//
// One process serves one test, from one goroutine. Where there is no such
// Python, [Start] skips the test and [Find] returns nil.
package jinjatest
