package chat

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// What each named template makes of one conversation, as its format is
// published. S is what the system says, then U, " A " and V in turns.
var namedRenders = map[string]string{
	"bailing":           "<role>SYSTEM</role>S<role>HUMAN</role>U<role>ASSISTANT</role> A <role>HUMAN</role>V<role>ASSISTANT</role>",
	"bailing-think":     "<role>SYSTEM</role>S<role>HUMAN</role>U<role>ASSISTANT</role> A <role>HUMAN</role>V<role>ASSISTANT</role><think>",
	"bailing2":          "<role>SYSTEM</role>S<|role_end|><role>HUMAN</role>U<|role_end|><role>ASSISTANT</role> A <|role_end|><role>HUMAN</role>V<|role_end|><role>ASSISTANT</role>",
	"chatglm3":          "[gMASK]sop<|system|>\n S<|user|>\n U<|assistant|>\n  A <|user|>\n V<|assistant|>",
	"chatglm4":          "[gMASK]<sop><|system|>\nS<|user|>\nU<|assistant|>\n A <|user|>\nV<|assistant|>\n",
	"chatml":            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n A <|im_end|>\n<|im_start|>user\nV<|im_end|>\n<|im_start|>assistant\n",
	"command-r":         "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>V<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
	"deepseek":          "S### Instruction:\nU\n### Response:\n A \n<|EOT|>\n### Instruction:\nV\n### Response:\n",
	"deepseek2":         "S\n\nUser: U\n\nAssistant:  A <｜end▁of▁sentence｜>User: V\n\nAssistant:",
	"deepseek3":         "S\n\n<｜User｜>U<｜Assistant｜> A <｜end▁of▁sentence｜><｜User｜>V<｜Assistant｜>",
	"dots1":             "<|system|>S<|endofsystem|><|userprompt|>U<|endofuserprompt|><|response|> A <|endofresponse|><|userprompt|>V<|endofuserprompt|><|response|>",
	"exaone3":           "[|system|]S[|endofturn|]\n[|user|]U\n[|assistant|]A[|endofturn|]\n[|user|]V\n[|assistant|]",
	"exaone4":           "[|system|]S[|endofturn|]\n[|user|]U\n[|assistant|]A[|endofturn|]\n[|user|]V\n[|assistant|]",
	"falcon3":           "<|system|>\nS\n<|user|>\nU\n<|assistant|>\n A \n<|user|>\nV\n<|assistant|>\n",
	"gemma":             "<start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n<start_of_turn>user\nV<end_of_turn>\n<start_of_turn>model\n",
	"gigachat":          "<s>S<|message_sep|>user<|role_sep|>U<|message_sep|>available functions<|role_sep|>[]<|message_sep|>assistant<|role_sep|> A <|message_sep|>user<|role_sep|>V<|message_sep|>available functions<|role_sep|>[]<|message_sep|>assistant<|role_sep|>",
	"glmedge":           "<|system|>\nS<|user|>\nU<|assistant|>\n A <|user|>\nV<|assistant|>",
	"gpt-oss":           "<|start|>system<|message|>S<|end|><|start|>user<|message|>U<|end|><|start|>assistant<|message|> A <|return|><|start|>user<|message|>V<|end|><|start|>assistant",
	"granite":           "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|> A <|end_of_text|>\n<|start_of_role|>user<|end_of_role|>V<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
	"granite-4.0":       "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|> A <|end_of_text|>\n<|start_of_role|>user<|end_of_role|>V<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
	"grok-2":            "System: S<|separator|>\n\nHuman: U<|separator|>\n\nAssistant:  A <|separator|>\n\nHuman: V<|separator|>\n\nAssistant:",
	"hunyuan-dense":     "<｜hy_begin▁of▁sentence｜>S<｜hy_place▁holder▁no▁3｜><｜hy_User｜>U<｜hy_Assistant｜> A <｜hy_place▁holder▁no▁2｜><｜hy_User｜>V<｜hy_Assistant｜>",
	"hunyuan-moe":       "<|startoftext|>S<|extra_4|><|startoftext|>U<|extra_0|> A <|eos|><|startoftext|>V<|extra_0|>",
	"kimi-k2":           "<|im_system|>system<|im_middle|>S<|im_end|><|im_user|>user<|im_middle|>U<|im_end|><|im_assistant|>assistant<|im_middle|> A <|im_end|><|im_user|>user<|im_middle|>V<|im_end|><|im_assistant|>assistant<|im_middle|>",
	"llama2":            "[INST] S\nU [/INST] A </s>[INST] V [/INST]",
	"llama2-sys":        "[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST] A </s>[INST] V [/INST]",
	"llama2-sys-bos":    "[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST] A </s><s>[INST] V [/INST]",
	"llama2-sys-strip":  "[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]A</s>[INST] V [/INST]",
	"llama3":            "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nV<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
	"llama4":            "<|header_start|>system<|header_end|>\n\nS<|eot|><|header_start|>user<|header_end|>\n\nU<|eot|><|header_start|>assistant<|header_end|>\n\nA<|eot|><|header_start|>user<|header_end|>\n\nV<|eot|><|header_start|>assistant<|header_end|>\n\n",
	"megrez":            "<|role_start|>system<|role_end|>S<|turn_end|><|role_start|>user<|role_end|>U<|turn_end|><|role_start|>assistant<|role_end|> A <|turn_end|><|role_start|>user<|role_end|>V<|turn_end|><|role_start|>assistant<|role_end|>",
	"minicpm":           "S<用户>U<AI>A<用户>V<AI>",
	"mistral-v1":        " [INST] S\n\nU [/INST]  A </s> [INST] V [/INST]",
	"mistral-v3":        "[INST] S\n\nU[/INST] A</s>[INST] V[/INST]",
	"mistral-v3-tekken": "[INST]S\n\nU[/INST] A </s>[INST]V[/INST]",
	"mistral-v7":        "[SYSTEM_PROMPT] S[/SYSTEM_PROMPT][INST] U[/INST]  A </s>[INST] V[/INST]",
	"mistral-v7-tekken": "[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]U[/INST] A </s>[INST]V[/INST]",
	"monarch":           "system\nS</s>\n<s>user\nU</s>\n<s>assistant\n A </s>\n<s>user\nV</s>\n<s>assistant\n",
	"openchat":          "S<|end_of_turn|>GPT4 Correct User: U<|end_of_turn|>GPT4 Correct Assistant:  A <|end_of_turn|>GPT4 Correct User: V<|end_of_turn|>GPT4 Correct Assistant:",
	"orion":             "Human: S\n\nU\n\nAssistant: </s> A </s>Human: V\n\nAssistant: </s>",
	"phi3":              "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\n A <|end|>\n<|user|>\nV<|end|>\n<|assistant|>\n",
	"phi4":              "<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>U<|im_end|><|im_start|>assistant<|im_sep|> A <|im_end|><|im_start|>user<|im_sep|>V<|im_end|><|im_start|>assistant<|im_sep|>",
	"rwkv-world":        "System: S\n\nUser: U\n\nAssistant: A\n\nUser: V\n\nAssistant:",
	"seed_oss":          "<seed:bos>system\nS<seed:eos><seed:bos>user\nU<seed:eos><seed:bos>assistant\nA<seed:eos><seed:bos>user\nV<seed:eos><seed:bos>assistant\n",
	"smolvlm":           "<|im_start|>S\n\nUser: U<end_of_utterance>\nAssistant:  A <end_of_utterance>\nUser: V<end_of_utterance>\nAssistant:",
	"vicuna":            "S\n\nUSER: U\nASSISTANT:  A </s>\nUSER: V\nASSISTANT:",
	"vicuna-orca":       "SYSTEM: S\nUSER: U\nASSISTANT:  A </s>\nUSER: V\nASSISTANT:",
	"yandex":            "<s> Пользователь: U\n\n Ассистент:  A \n\n Пользователь: V\n\n Ассистент:[SEP]",
	"zephyr":            "<|system|>\nS<|endoftext|>\n<|user|>\nU<|endoftext|>\n<|assistant|>\n A <|endoftext|>\n<|user|>\nV<|endoftext|>\n<|assistant|>\n",
}

func TestNamedTemplates(t *testing.T) {
	conversation := []ask.Message{
		{Role: "system", Content: "S"}, {Role: "user", Content: "U"}, {Role: "assistant", Content: " A "}, {Role: "user", Content: "V"},
	}
	for _, name := range Names() {
		source, ok := Named(name)
		template, err := New(source, "", "")
		if !ok || err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pieces, err := template.Render(t.Context(), Input{Messages: conversation, AddGenerationPrompt: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := Text(pieces); got != namedRenders[name] {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, namedRenders[name])
		}
	}
	if len(namedRenders) != len(Names()) {
		t.Errorf("%d templates, %d renders", len(Names()), len(namedRenders))
	}
	for _, name := range []string{"", "gpt", "../chatml", "chatml.jinja"} {
		if _, ok := Named(name); ok {
			t.Errorf("there is a template %q", name)
		}
	}
}

// A mark of a turn is the template's own text, or it would not be read as one
// token; what a client says never is.
func TestNamedTemplatesMarkTurnsThemselves(t *testing.T) {
	for _, name := range Names() {
		source, _ := Named(name)
		template, err := New(source, "", "")
		if err != nil {
			t.Fatal(err)
		}
		pieces, err := template.Render(t.Context(), Input{Messages: []ask.Message{{Role: "user", Content: "hello"}}, AddGenerationPrompt: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pieces {
			if !p.Trusted && strings.ContainsAny(p.Text, "<|>[]") {
				t.Errorf("%s: %q is not the template's", name, p.Text)
			}
			if p.Trusted && strings.Contains(p.Text, "hello") {
				t.Errorf("%s: the client's text is the template's in %q", name, p.Text)
			}
		}
		// Within one mark, brackets and role have one origin.
		for i, p := range pieces {
			if open := strings.LastIndexAny(p.Text, "<["); p.Trusted && open >= 0 && !strings.ContainsAny(p.Text[open:], ">]") && i+1 < len(pieces) {
				t.Errorf("%s: a mark is cut after %q", name, p.Text)
			}
		}
	}
}
