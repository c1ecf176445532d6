package chat_test

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
)

func Example() {
	template, err := chat.New(
		`{% for m in messages %}[{{ m.role }}] {{ m.content }}`+"\n"+`{% endfor %}`+
			`{% if add_generation_prompt %}[assistant]{% endif %}`, "<s>", "</s>")
	if err != nil {
		panic(err)
	}
	pieces, err := template.Render(context.Background(), chat.Input{
		Messages:            []ask.Message{{Role: "user", Content: "Hello"}},
		AddGenerationPrompt: true,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(chat.Text(pieces))
	// Output:
	// [user] Hello
	// [assistant]
}
