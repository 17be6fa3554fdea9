"""PyTorch 2.13.0's public names that were not here when this was written, by `python -m oracle.absent`.

What is asked for and stands here is "not in glassgrad yet"; what stands nowhere is no name of PyTorch's.
"""

from __future__ import annotations

NAMES: dict[str, str] = {
    "torch": (
        "AVG AcceleratorError AggregationType AliasDb AnyType Argument ArgumentSpec AwaitType BFloat16Storage "
        "BFloat16Tensor BenchmarkConfig BenchmarkExecutionStats Block BoolStorage BoolType BufferDict ByteStorage "
        "CallStack Capsule CharStorage ClassType Code CompilationUnit CompleteArgumentSpec ComplexDoubleStorage "
        "ComplexFloatStorage ComplexType ConcreteModuleType ConcreteModuleTypeBuilder DeepCopyMemoTable "
        "DeserializationStorageContext DeviceObjType DictType DisableTorchFunction DisableTorchFunctionSubclass "
        "DispatchKey DispatchKeySet DoubleStorage EnumType ErrorReport Event ExcludeDispatchKeyGuard ExecutionPlan "
        "FatalError FileCheck FloatStorage FloatType FunctionSchema Future FutureType GradScaler Gradient Graph "
        "GraphExecutorState HalfStorage IODescriptor InferredType IntStorage IntType InterfaceType JITException "
        "ListType LiteScriptModule LockingLogger LoggerBase LongStorage ModuleDict Node NoneType NoopLogger "
        "NumberType OperatorInfo OptionalType OutOfMemoryError ParameterDict PyObjectType PyTorchFileReader "
        "PyTorchFileWriter QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage QUInt8Storage RRefType SUM "
        "ScriptClass ScriptClassFunction ScriptDict ScriptDictIterator ScriptDictKeyIterator ScriptFunction "
        "ScriptList ScriptListIterator ScriptMethod ScriptModule ScriptModuleSerializer ScriptObject "
        "ScriptObjectProperty SerializationStorageContext ShortStorage StaticModule Storage StorageBase Stream "
        "StreamObjType StringType SymBool SymBoolType SymFloat SymInt SymIntType TYPE_CHECKING Tag TensorType "
        "ThroughputBenchmark TracingState TupleType Type TypedStorage USE_GLOBAL_DEPS USE_RTLD_GLOBAL_WITH_LIBTORCH "
        "UnionType UntypedStorage Use Value abs_ accelerator acos_ acosh_ addmv_ alpha_dropout_ amp ao arccos_ "
        "arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ are_deterministic_algorithms_enabled as_strided_ "
        "as_strided_scatter asin_ asinh_ atan_ atanh_ autocast autocast_decrement_nesting autocast_increment_nesting "
        "backends bartlett_window batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt "
        "batch_norm_gather_stats batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats "
        "binomial bit bits16 bits1x8 bits2x4 bits4x2 bits8 blackman_window ccol_indices_copy ceil_ chalf "
        "choose_qparams_optimized clamp_ clamp_max_ clamp_min_ classes classproperty clear_autocast_cache clip_ "
        "col_indices_copy compiled_with_cxx11_abi compiler complex32 cond conj_physical_ constant_pad_nd contrib "
        "conv_tbc convolution cos_ cosh_ cpp cpu crow_indices_copy ctc_loss cuda cudnn_affine_grid_generator "
        "cudnn_batch_norm cudnn_convolution cudnn_convolution_add_relu cudnn_convolution_relu "
        "cudnn_convolution_transpose cudnn_grid_sampler cudnn_is_acceptable cumulative_trapezoid deg2rad_ dequantize "
        "detach detach_ distributed distributions dropout_ dsmm e eig embedding embedding_bag embedding_renorm_ "
        "empty_quantized erf_ erfc_ exp2_ exp_ expm1_ export fake_quantize_per_channel_affine "
        "fake_quantize_per_tensor_affine fbgemm_linear_fp16_weight fbgemm_linear_fp16_weight_fp32_activation "
        "fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation fbgemm_linear_quantize_weight "
        "fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix feature_alpha_dropout_ feature_dropout "
        "feature_dropout_ fft fill_ finfo fix_ float4_e2m1fn_x2 float8_e4m3fn float8_e4m3fnuz float8_e5m2 "
        "float8_e5m2fnuz float8_e8m0fnu floor_ fork frac_ frobenius_norm from_file fused_moving_avg_obs_fake_quant "
        "futures fx gcd_ geqrf get_autocast_cpu_dtype get_autocast_dtype get_autocast_gpu_dtype "
        "get_autocast_ipu_dtype get_autocast_xla_dtype get_default_device get_deterministic_debug_mode get_device "
        "get_device_module get_file_path get_float32_matmul_precision get_num_interop_threads gradient hamming_window "
        "hann_window has_lapack has_mkl has_openmp has_spectral hash_tensor histogram histogramdd hsmm hspmm hub i0_ "
        "iinfo import_ir_module import_ir_module_from_buffer index_put_ indices_copy inf init_num_threads int1 int2 "
        "int3 int4 int5 int6 int7 int_repr is_anomaly_check_nan_enabled is_anomaly_enabled is_autocast_cache_enabled "
        "is_autocast_cpu_enabled is_autocast_enabled is_autocast_ipu_enabled is_autocast_xla_enabled "
        "is_deterministic_algorithms_warn_only_enabled is_distributed is_inference is_same_size is_signed is_storage "
        "is_vulkan_available is_warn_always_enabled istft jagged kaiser_window lcm_ ldexp_ legacy_contiguous_format "
        "library load lobpcg log10_ log1p_ log2_ log_ logit_ lstsq lu lu_unpack masked matrix_rank "
        "max_pool1d_with_indices merge_type_from_type_comment miopen_batch_norm miopen_convolution "
        "miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose miopen_ctc_loss "
        "miopen_depthwise_convolution miopen_rnn mkldnn_adaptive_avg_pool2d mkldnn_convolution "
        "mkldnn_linear_backward_weights mkldnn_max_pool2d mkldnn_max_pool3d mkldnn_rnn_layer monitor mps mtia "
        "multiprocessing nan nan_to_num_ native_channel_shuffle native_norm nativert neg_ negative_ nested newaxis "
        "nonzero_static norm_except_dim nuclear_norm numa onnx ops orgqr ormqr overrides package parse_ir "
        "parse_schema parse_type_comment pca_lowrank pi prepare_multiprocessing_environment profiler "
        "profiler_allow_cudagraph_cupti_lazy_reinit_cuda12 q_per_channel_axis q_per_channel_scales "
        "q_per_channel_zero_points q_scale q_zero_point qint32 qint8 qscheme quantization quantize_per_channel "
        "quantize_per_tensor quantize_per_tensor_dynamic quantized_batch_norm quantized_gru quantized_gru_cell "
        "quantized_lstm quantized_lstm_cell quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d "
        "quantized_rnn_relu_cell quantized_rnn_tanh_cell quasirandom quint2x4 quint4x2 quint8 rad2deg_ reciprocal_ "
        "renorm resize_as_ resize_as_sparse_ result_type round_ row_indices_copy rsqrt_ saddmm save segment_reduce "
        "serialization set_anomaly_enabled set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled "
        "set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype set_autocast_ipu_dtype "
        "set_autocast_ipu_enabled set_autocast_xla_dtype set_autocast_xla_enabled set_default_device "
        "set_default_tensor_type set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal "
        "set_num_interop_threads set_warn_always sigmoid_ signal sin_ sinc_ sinh_ slice_copy slice_inverse smm solve "
        "sparse sparse_bsc sparse_bsc_tensor sparse_bsr sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor "
        "sparse_csc sparse_csc_tensor sparse_csr sparse_csr_tensor spmm sqrt_ square_ sspaddmm stft storage "
        "svd_lowrank sym_constrain_range sym_constrain_range_for_size sym_float sym_fresh_size sym_int sym_ite "
        "sym_max sym_min sym_not sym_sqrt sym_sum symeig tan_ tanh_ testing thread_safe_generator to_dlpack "
        "torch_version trunc_ typename uint1 uint16 uint2 uint3 uint32 uint4 uint5 uint6 uint64 uint7 unify_type_list "
        "unravel_index use_deterministic_algorithms values_copy view_as_complex_copy view_as_real_copy vmap wait "
        "while_loop xlogy_ xpu"
    ),
    "torch.accelerator": (
        "Graph current_accelerator current_device_idx current_device_index current_stream device_count device_index "
        "empty_cache empty_host_cache get_device_capability get_memory_info graphs is_available max_memory_allocated "
        "max_memory_reserved memory memory_allocated memory_reserved memory_stats reset_accumulated_memory_stats "
        "reset_peak_memory_stats set_device_idx set_device_index set_stream synchronize"
    ),
    "torch.amp": "GradScaler autocast autocast_mode custom_bwd custom_fwd grad_scaler is_autocast_available",
    "torch.autograd": (
        "NestedIOFunction enforce_grad_layout_policy has_torch_function is_multithreading_enabled "
        "is_view_replay_enabled kineto_available profiler profiler_legacy profiler_util set_multithreading_enabled"
    ),
    "torch.autograd.graph": (
        "TYPE_CHECKING allow_mutation_on_saved_tensors region_activation_memory_budget "
        "set_override_stale_capture_stream set_warn_on_accumulate_grad_stream_mismatch"
    ),
    "torch.autograd.profiler": (
        "EnforceUnique EventList FunctionEvent KinetoStepTracker MEMORY_EVENT_NAME MemRecordsAcc "
        "OUT_OF_MEMORY_EVENT_NAME emit_itt emit_nvtx kineto_available load_nvprof parse_nvprof_trace perf_counter_ns "
        "profile record_function warn"
    ),
    "torch.autograd.variable": "VariableMeta",
    "torch.backends": (
        "cpu cuda cudnn cusparselt kleidiai mha miopen mkl mkldnn mps nnpack openmp opt_einsum python_native "
        "quantized xeon xnnpack"
    ),
    "torch.backends.cpu": "get_cpu_capability",
    "torch.backends.cuda": (
        "SDPAParams allow_fp16_bf16_reduction_math_sdp blas_workspace_size can_use_cudnn_attention "
        "can_use_efficient_attention can_use_flash_attention cuBLASModule cuFFTPlanCache "
        "cuFFTPlanCacheAttrContextProp cuFFTPlanCacheManager cublas_workspace_size cublaslt_workspace_size "
        "cudnn_sdp_enabled cufft_plan_cache enable_cudnn_sdp enable_flash_sdp enable_math_sdp "
        "enable_mem_efficient_sdp flash_sdp_enabled fp16_bf16_reduction_math_sdp_allowed is_built "
        "is_ck_sdpa_available is_flash_attention_available math_sdp_enabled matmul mem_efficient_sdp_enabled "
        "preferred_blas_library preferred_linalg_library preferred_rocm_fa_library sdp_kernel"
    ),
    "torch.backends.cudnn": "rnn",
    "torch.backends.mkl": "VERBOSE_OFF VERBOSE_ON is_available verbose",
    "torch.backends.mps": (
        "TYPE_CHECKING get_core_count get_name is_available is_built is_macos13_or_newer is_macos_or_newer"
    ),
    "torch.backends.openmp": "is_available",
    "torch.cpu": (
        "Event Stream StreamContext amp current_device current_stream device_count get_capabilities is_available "
        "is_initialized set_device stream synchronize"
    ),
    "torch.cuda": (
        "BFloat16Storage BFloat16Tensor BoolStorage BoolTensor ByteStorage ByteTensor CUDAGraph "
        "CUDAPluggableAllocator CharStorage CharTensor ComplexDoubleStorage ComplexFloatStorage CudaError "
        "DeferredCudaCallError DoubleStorage DoubleTensor Event ExternalStream FloatStorage FloatTensor GreenContext "
        "HalfStorage HalfTensor IntStorage IntTensor LongStorage LongTensor MemPool ShortStorage ShortTensor Stream "
        "StreamContext TYPE_CHECKING amp caching_allocator_alloc caching_allocator_delete caching_allocator_disabled "
        "caching_allocator_enable can_device_access_peer change_current_allocator check_error clock_rate comm "
        "cudaStatus cudart current_blas_handle current_device current_solver_handle current_stream default_generators "
        "default_stream device device_count device_memory_used device_of empty_cache gds get_allocator_backend "
        "get_arch_list get_device_capability get_device_name get_device_properties get_gencode_flags "
        "get_per_process_memory_fraction get_rng_state get_rng_state_all get_stream_from_external get_sync_debug_mode "
        "graph graph_pool_handle graphs green_contexts has_half has_magma host_memory_stats "
        "host_memory_stats_as_nested_dict init initial_seed ipc_collect is_available is_bf16_supported "
        "is_current_stream_capturing is_initialized is_tf32_supported jiterator list_gpu_processes "
        "make_graphed_callables manual_seed manual_seed_all max_memory_allocated max_memory_cached "
        "max_memory_reserved mem_get_info memory memory_allocated memory_cached memory_reserved memory_snapshot "
        "memory_stats memory_stats_as_nested_dict memory_summary memory_usage nccl nvtx power_draw profiler random "
        "reset_accumulated_host_memory_stats reset_accumulated_memory_stats reset_max_memory_allocated "
        "reset_max_memory_cached reset_peak_host_memory_stats reset_peak_memory_stats seed seed_all set_device "
        "set_per_process_memory_fraction set_rng_state set_rng_state_all set_stream set_sync_debug_mode sparse stream "
        "streams synchronize temperature tunable use_mem_pool utilization"
    ),
    "torch.cuda.amp": (
        "GradScaler amp_definitely_not_available autocast autocast_mode common custom_bwd custom_fwd grad_scaler"
    ),
    "torch.cuda.random": (
        "get_rng_state get_rng_state_all initial_seed manual_seed manual_seed_all seed seed_all set_rng_state "
        "set_rng_state_all"
    ),
    "torch.distributions": (
        "AbsTransform AffineTransform Bernoulli Beta Binomial CatTransform Categorical Cauchy Chi2 ComposeTransform "
        "ContinuousBernoulli CorrCholeskyTransform CumulativeDistributionTransform Dirichlet Distribution "
        "ExpTransform Exponential ExponentialFamily FisherSnedecor Gamma GeneralizedPareto Geometric Gumbel "
        "HalfCauchy HalfNormal Independent IndependentTransform InverseGamma Kumaraswamy LKJCholesky Laplace "
        "LogNormal LogisticNormal LowRankMultivariateNormal LowerCholeskyTransform MixtureSameFamily Multinomial "
        "MultivariateNormal NegativeBinomial Normal OneHotCategorical OneHotCategoricalStraightThrough Pareto Poisson "
        "PositiveDefiniteTransform PowerTransform RelaxedBernoulli RelaxedOneHotCategorical ReshapeTransform "
        "SigmoidTransform SoftmaxTransform SoftplusTransform StackTransform StickBreakingTransform StudentT "
        "TanhTransform Transform TransformedDistribution Uniform VonMises Weibull Wishart bernoulli beta biject_to "
        "binomial categorical cauchy chi2 constraint_registry constraints continuous_bernoulli dirichlet distribution "
        "exp_family exponential fishersnedecor gamma generalized_pareto geometric gumbel half_cauchy half_normal "
        "identity_transform independent inverse_gamma kl kl_divergence kumaraswamy laplace lkj_cholesky log_normal "
        "logistic_normal lowrank_multivariate_normal mixture_same_family multinomial multivariate_normal "
        "negative_binomial normal one_hot_categorical pareto poisson register_kl relaxed_bernoulli "
        "relaxed_categorical studentT transform_to transformed_distribution transforms uniform utils von_mises "
        "weibull wishart"
    ),
    "torch.distributions.constraints": (
        "Constraint MixtureSameFamilyConstraint boolean cat corr_cholesky dependent dependent_property greater_than "
        "greater_than_eq half_open_interval independent integer_interval interval is_dependent less_than "
        "lower_cholesky lower_triangular multinomial nonnegative nonnegative_integer one_hot positive "
        "positive_definite positive_integer positive_semidefinite real real_vector simplex square stack symmetric "
        "unit_interval"
    ),
    "torch.distributions.kl": "inf kl_divergence register_kl",
    "torch.distributions.transforms": (
        "AbsTransform AffineTransform CatTransform ComposeTransform CorrCholeskyTransform "
        "CumulativeDistributionTransform ExpTransform IndependentTransform LowerCholeskyTransform "
        "PositiveDefiniteTransform PowerTransform ReshapeTransform SigmoidTransform SoftmaxTransform "
        "SoftplusTransform StackTransform StickBreakingTransform TanhTransform Transform identity_transform softplus"
    ),
    "torch.distributions.utils": (
        "broadcast_all clamp_probs euler_constant lazy_property logits_to_probs probs_to_logits tril_matrix_to_vec "
        "vec_to_tril_matrix"
    ),
    "torch.fft": (
        "Tensor fft fft2 fftfreq fftn fftshift hfft hfft2 hfftn ifft ifft2 ifftn ifftshift ihfft ihfft2 ihfftn irfft "
        "irfft2 irfftn rfft rfft2 rfftfreq rfftn"
    ),
    "torch.func": "debug_unwrap functionalize rearrange replace_all_batch_norm_modules_",
    "torch.functional": (
        "TYPE_CHECKING has_torch_function has_torch_function_unary has_torch_function_variadic istft lu pca_lowrank "
        "stft svd_lowrank unravel_index"
    ),
    "torch.jit": (
        "Attribute CompilationUnit Error Future ScriptFunction ScriptModule annotate enable_onednn_fusion "
        "export_opnames fork freeze frontend generate_bytecode interface isinstance last_executed_optimized_graph "
        "mobile onednn_fusion_enabled optimize_for_inference quantized script_if_tracing set_fusion_strategy "
        "strict_fusion supported_ops trace_module unsupported_tensor_ops wait"
    ),
    "torch.linalg": "cholesky_ex householder_product inv_ex ldl_factor ldl_factor_ex ldl_solve lu_factor_ex solve_ex",
    "torch.mps": (
        "Event compile_shader current_allocated_memory device_count driver_allocated_memory empty_cache event "
        "get_rng_state is_available load_metallib manual_seed profiler recommended_max_memory seed "
        "set_per_process_memory_fraction set_rng_state synchronize"
    ),
    "torch.multiprocessing": (
        "Array AuthenticationError Barrier BoundedSemaphore BufferTooShort Condition ENV_VAR_PARALLEL_START Event "
        "JoinableQueue Lock Manager Pipe Pool Process ProcessError Queue RLock RawArray RawValue Semaphore "
        "SimpleQueue TimeoutError Value active_children allow_connection_pickling cpu_count current_process "
        "freeze_support get_all_sharing_strategies get_all_start_methods get_context get_logger get_sharing_strategy "
        "get_start_method log_to_stderr parent_process pool queue reducer reductions set_executable "
        "set_forkserver_preload set_sharing_strategy set_start_method spawn"
    ),
    "torch.nn": (
        "AdaptiveLogSoftmaxWithLoss CTCLoss Container CrossMapLRN2d DataParallel EmbeddingBag FractionalMaxPool2d "
        "FractionalMaxPool3d LPPool3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d "
        "LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d "
        "LazyInstanceNorm3d LazyLinear LinearCrossEntropyLoss LinearCrossEntropyOptions MaxUnpool1d MaxUnpool2d "
        "MaxUnpool3d MultiLabelMarginLoss MultiheadAttention NLLLoss2d SyncBatchNorm Transformer TransformerDecoder "
        "TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer UninitializedBuffer "
        "UninitializedParameter attention backends common_types cpp factory_kwargs grad intrinsic parallel qat "
        "quantizable quantized"
    ),
    "torch.nn.attention": (
        "SDPBackend WARN_FOR_UNFUSED_KERNELS activate_flash_attention_impl bias current_flash_attention_impl "
        "experimental flex_attention list_flash_attention_impls register_flash_attention_impl "
        "restore_flash_attention_impl sdpa_kernel varlen warn"
    ),
    "torch.nn.functional": (
        "ScalingType SwizzleType TYPE_CHECKING Tensor adaptive_max_pool1d_with_indices "
        "adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices assert_int_or_pair conv_tbc elu_ "
        "fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices grouped_mm gumbel_softmax hardtanh_ "
        "has_torch_function has_torch_function_unary has_torch_function_variadic leaky_relu_ lp_pool3d "
        "max_pool1d_with_indices max_pool3d_with_indices native_channel_shuffle pdist scaled_grouped_mm scaled_mm"
    ),
    "torch.nn.init": (
        "constant dirac eye kaiming_normal kaiming_uniform normal orthogonal sparse uniform xavier_normal "
        "xavier_uniform"
    ),
    "torch.nn.modules": (
        "AdaptiveLogSoftmaxWithLoss CTCLoss Container CrossMapLRN2d EmbeddingBag FractionalMaxPool2d "
        "FractionalMaxPool3d LPPool3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d "
        "LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d "
        "LazyInstanceNorm3d LazyLinear LinearCrossEntropyLoss LinearCrossEntropyOptions MaxUnpool1d MaxUnpool2d "
        "MaxUnpool3d MultiLabelMarginLoss MultiheadAttention NLLLoss2d SyncBatchNorm Transformer TransformerDecoder "
        "TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer linear_cross_entropy "
        "linear_cross_entropy_options"
    ),
    "torch.nn.parallel": (
        "DataParallel DistributedDataParallel comm data_parallel distributed gather parallel_apply replicate scatter "
        "scatter_gather"
    ),
    "torch.nn.parameter": "UninitializedBuffer UninitializedParameter UninitializedTensorMixin is_lazy",
    "torch.nn.utils": (
        "clip_grad_norm convert_conv2d_weight_memory_format convert_conv3d_weight_memory_format fuse_conv_bn_eval "
        "fuse_conv_bn_weights fuse_linear_bn_eval fuse_linear_bn_weights parametrizations parametrize prune "
        "remove_spectral_norm remove_weight_norm skip_init stateless"
    ),
    "torch.nn.utils.parametrizations": "orthogonal spectral_norm weight_norm",
    "torch.nn.utils.parametrize": (
        "ParametrizationList cached is_parametrized register_parametrization remove_parametrizations "
        "transfer_parametrizations_and_params type_before_parametrizations"
    ),
    "torch.nn.utils.prune": (
        "BasePruningMethod CustomFromMask Identity L1Unstructured LnStructured PruningContainer RandomStructured "
        "RandomUnstructured custom_from_mask global_unstructured identity is_pruned l1_unstructured ln_structured "
        "random_structured random_unstructured remove"
    ),
    "torch.nn.utils.stateless": "functional_call",
    "torch.optim": "Adafactor LBFGS Muon SparseAdam swa_utils swap_in_optimizer_params_and_state",
    "torch.optim.lr_scheduler": "EPOCH_DEPRECATION_WARNING TYPE_CHECKING inf",
    "torch.optim.swa_utils": (
        "AveragedModel SWALR TYPE_CHECKING get_ema_avg_fn get_ema_multi_avg_fn get_swa_avg_fn get_swa_multi_avg_fn "
        "update_bn"
    ),
    "torch.profiler": (
        "DeviceType ExecutionTraceObserver ProfilerAction ProfilerActivity itt kineto_available profile profiler "
        "python_tracer record_function schedule supported_activities tensorboard_trace_handler"
    ),
    "torch.random": "TYPE_CHECKING thread_safe_generator",
    "torch.return_types": (
        "all_return_types aminmax_out cummax_out cummin_out frexp_out geqrf geqrf_out histogram histogram_out "
        "histogramdd kthvalue_out linalg_cholesky_ex linalg_cholesky_ex_out linalg_eig_out linalg_eigh_out "
        "linalg_inv_ex linalg_inv_ex_out linalg_ldl_factor linalg_ldl_factor_ex linalg_ldl_factor_ex_out "
        "linalg_ldl_factor_out linalg_lstsq_out linalg_lu_factor_ex linalg_lu_factor_ex_out linalg_lu_factor_out "
        "linalg_lu_out linalg_qr_out linalg_slogdet_out linalg_solve_ex linalg_solve_ex_out linalg_svd_out lu_unpack "
        "lu_unpack_out max_out median_out min_out mode_out name nanmedian_out pytree_register_structseq qr_out "
        "slogdet_out sort_out svd_out topk_out triangular_solve_out"
    ),
    "torch.serialization": (
        "DEFAULT_PROTOCOL INT_SIZE IS_WINDOWS LONG_SIZE LoadEndianness MAGIC_NUMBER MAP_PRIVATE MAP_SHARED "
        "PROTOCOL_VERSION SHORT_SIZE STORAGE_KEY_SEPARATOR SourceChangeWarning StorageType UNSAFE_MESSAGE "
        "add_safe_globals check_module_version_greater_or_equal clear_safe_globals default_restore_location "
        "get_crc32_options get_default_load_endianness get_default_mmap_options get_safe_globals "
        "get_unsafe_globals_in_checkpoint load location_tag mkdtemp normalize_storage_type register_package "
        "safe_globals save set_crc32_options set_default_load_endianness set_default_mmap_options skip_data "
        "storage_to_tensor_type validate_cuda_device validate_hpu_device"
    ),
    "torch.sparse": (
        "SparseSemiStructuredTensor SparseSemiStructuredTensorCUSPARSELT SparseSemiStructuredTensorCUTLASS "
        "TYPE_CHECKING addmm as_sparse_gradcheck check_sparse_tensor_invariants log_softmax mm sampled_addmm "
        "semi_structured softmax solve spdiags spsolve sum to_sparse_semi_structured"
    ),
    "torch.types": "Storage TYPE_CHECKING",
    "torch.utils": (
        "ThroughputBenchmark backcompat backend_registration benchmark bundled_inputs cmake_prefix_path collect_env "
        "cpp_backtrace cpp_extension debug_log deterministic dlpack file_baton flop_counter "
        "generate_methods_for_privateuse1_backend get_cpp_backtrace hipify hooks jit mkldnn mobile_optimizer "
        "model_dump model_zoo module_tracker rename_privateuse1_backend serialization set_module show_pickle "
        "swap_tensors tensorboard throughput_benchmark viz weak"
    ),
    "torch.utils.checkpoint": (
        "CheckpointFunction CheckpointPolicy DefaultDeviceType GraphExecGroup SAC_IGNORED_OPS "
        "SelectiveCheckpointContext TYPE_CHECKING check_backward_validity create_selective_checkpoint_contexts "
        "detach_variable get_device_states noop_context_fn set_checkpoint_debug_enabled set_checkpoint_early_stop "
        "set_device_states"
    ),
    "torch.utils.data": (
        "DFIterDataPipe DataChunk DistributedSampler IterDataPipe MapDataPipe argument_validation "
        "backward_compatibility datapipes functional_datapipe graph graph_settings guaranteed_datapipes_determinism "
        "non_deterministic runtime_validation runtime_validation_disabled"
    ),
    "torch.version": "rocm",
    "torch.Tensor": (
        "apply_ as_strided_ as_strided_scatter as_subclass ccol_indices chalf coalesce col_indices const_data_ptr "
        "crow_indices dense_dim dequantize dim_order eig fill_diagonal_ geqrf grad_dtype hash_tensor histogram index "
        "indices int_repr ipu is_coalesced is_distributed is_inference is_ipu is_maia is_mkldnn is_mtia is_set_to "
        "is_shared is_sparse_csr is_vulkan is_xla is_xpu istft layout lstsq lu map2_ map_ module_load mtia "
        "narrow_copy nonzero_static orgqr ormqr output_nr q_per_channel_axis q_per_channel_scales "
        "q_per_channel_zero_points q_scale q_zero_point qscheme record_stream reinforce renorm renorm_ resize resize_ "
        "resize_as resize_as_ resize_as_sparse_ row_indices set_ slice_inverse smm solve sparse_dim sparse_mask "
        "sparse_resize_ sparse_resize_and_clear_ sspaddmm stft storage storage_type symeig to_dense to_mkldnn "
        "to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr "
        "untyped_storage values volatile xpu"
    ),
    "torch.nn.Module": (
        "T_destination call_super_init compile dump_patches get_extra_state ipu mtia "
        "register_load_state_dict_post_hook register_load_state_dict_pre_hook register_state_dict_post_hook "
        "register_state_dict_pre_hook set_extra_state set_submodule to_empty xpu"
    ),
    "torch.optim.Optimizer": (
        "OptimizerPostHook OptimizerPreHook profile_hook_step register_load_state_dict_post_hook "
        "register_load_state_dict_pre_hook register_state_dict_post_hook register_state_dict_pre_hook"
    ),
}
