import { defineOptions, flag, names, object, planned, share } from './kinds.ts'

/** New API's protocol modules keep their own field names, so that its settings move in unchanged. */
export const newApiOptions = defineOptions({
  'global.pass_through_request_enabled': flag(
    false,
    'Sends the body of every request as the client wrote it, on every channel: nothing is mapped or added in it.',
  ),
  'global.thinking_model_blacklist': planned(names([], 'Models whose names never lose a thinking suffix.')),
  'global.chat_completions_to_responses_policy': planned(
    object({}, 'Which chat requests go out as Responses.'),
  ),
  'claude.model_headers_settings': planned(object({}, 'Further headers by model, for Claude.')),
  'claude.default_max_tokens': planned(
    object({ default: 8192 }, 'max_tokens by model where the client sends none.'),
  ),
  'claude.thinking_adapter_enabled': planned(flag(true, 'A -thinking suffix turns thinking on.')),
  'claude.thinking_adapter_budget_tokens_percentage': planned(
    share(0.8, 'Part of max_tokens that thinking gets.'),
  ),
  'gemini.safety_settings': planned(object({ default: 'OFF' }, 'Threshold by harm category.')),
  'gemini.version_settings': planned(
    object({ default: 'v1beta', 'gemini-1.0-pro': 'v1' }, 'API version by model.'),
  ),
  'gemini.supported_imagine_models': planned(
    names(
      [
        'gemini-2.0-flash-exp-image-generation',
        'gemini-2.0-flash-exp',
        'gemini-3-pro-image-preview',
        'gemini-2.5-flash-image',
        'gemini-3.1-flash-image-preview',
      ],
      'Models that answer with images too.',
    ),
  ),
  'gemini.thinking_adapter_enabled': planned(flag(false, 'Thinking suffixes set the thinking budget.')),
  'gemini.thinking_adapter_budget_tokens_percentage': planned(
    share(0.6, 'Part of the output limit for thinking.'),
  ),
  'gemini.function_call_thought_signature_enabled': planned(
    flag(true, 'Adds thought signatures to function calls.'),
  ),
  'gemini.remove_function_response_id_enabled': planned(
    flag(true, 'Drops ids of function answers for Vertex.'),
  ),
  'grok.violation_deduction_enabled': planned(
    flag(true, 'Charges refusals for violations of usage guidelines.'),
  ),
  'grok.violation_deduction_amount': planned(share(0.05, 'What such a refusal costs, USD.')),
  'qwen.sync_image_models': planned(
    names(
      ['z-image', 'qwen-image', 'wan2.6', 'wan2.7', 'qwen-image-edit'],
      'Image models that answer at once.',
    ),
  ),
})
