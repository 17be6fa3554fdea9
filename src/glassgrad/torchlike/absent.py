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
        "FatalError FileCheck FloatStorage FloatType FunctionSchema FutureType GradScaler Gradient Graph "
        "GraphExecutorState HalfStorage IODescriptor InferredType IntStorage IntType InterfaceType JITException "
        "ListType LiteScriptModule LockingLogger LoggerBase LongStorage ModuleDict Node NoneType NoopLogger "
        "NumberType OperatorInfo OptionalType ParameterDict PyObjectType PyTorchFileReader PyTorchFileWriter "
        "QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage QUInt8Storage RRefType SUM ScriptClass "
        "ScriptClassFunction ScriptDict ScriptDictIterator ScriptDictKeyIterator ScriptFunction ScriptList "
        "ScriptListIterator ScriptMethod ScriptModule ScriptModuleSerializer ScriptObject ScriptObjectProperty "
        "SerializationStorageContext ShortStorage StaticModule Storage StorageBase Stream StreamObjType StringType "
        "SymBool SymBoolType SymFloat SymInt SymIntType TYPE_CHECKING Tag TensorType ThroughputBenchmark TracingState "
        "TupleType Type USE_GLOBAL_DEPS USE_RTLD_GLOBAL_WITH_LIBTORCH UnionType Use Value alpha_dropout_ ao "
        "autocast_decrement_nesting autocast_increment_nesting batch_norm_backward_elemt batch_norm_backward_reduce "
        "batch_norm_elemt batch_norm_gather_stats batch_norm_gather_stats_with_counts batch_norm_stats "
        "batch_norm_update_stats bit bits16 bits1x8 bits2x4 bits4x2 bits8 ccol_indices_copy chalf "
        "choose_qparams_optimized classes classproperty clear_autocast_cache col_indices_copy compiled_with_cxx11_abi "
        "complex32 cond contrib conv_tbc convolution cpp cpu crow_indices_copy ctc_loss cudnn_affine_grid_generator "
        "cudnn_batch_norm cudnn_convolution cudnn_convolution_add_relu cudnn_convolution_relu "
        "cudnn_convolution_transpose cudnn_grid_sampler cudnn_is_acceptable dequantize dropout_ dsmm embedding "
        "embedding_bag embedding_renorm_ empty_quantized export fake_quantize_per_channel_affine "
        "fake_quantize_per_tensor_affine fbgemm_linear_fp16_weight fbgemm_linear_fp16_weight_fp32_activation "
        "fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation fbgemm_linear_quantize_weight "
        "fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix feature_alpha_dropout_ feature_dropout "
        "feature_dropout_ float4_e2m1fn_x2 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu "
        "fork from_file fused_moving_avg_obs_fake_quant fx geqrf get_autocast_cpu_dtype get_autocast_gpu_dtype "
        "get_autocast_ipu_dtype get_autocast_xla_dtype get_device_module get_file_path has_lapack has_mkl has_openmp "
        "has_spectral hash_tensor hsmm hspmm import_ir_module import_ir_module_from_buffer indices_copy "
        "init_num_threads int1 int2 int3 int4 int5 int6 int7 int_repr is_autocast_cpu_enabled is_autocast_ipu_enabled "
        "is_autocast_xla_enabled jagged legacy_contiguous_format library lobpcg masked max_pool1d_with_indices "
        "merge_type_from_type_comment miopen_batch_norm miopen_convolution miopen_convolution_add_relu "
        "miopen_convolution_relu miopen_convolution_transpose miopen_ctc_loss miopen_depthwise_convolution miopen_rnn "
        "mkldnn_adaptive_avg_pool2d mkldnn_convolution mkldnn_linear_backward_weights mkldnn_max_pool2d "
        "mkldnn_max_pool3d mkldnn_rnn_layer monitor mtia native_channel_shuffle native_norm nativert nested numa ops "
        "ormqr overrides package parse_ir parse_schema parse_type_comment prepare_multiprocessing_environment "
        "profiler_allow_cudagraph_cupti_lazy_reinit_cuda12 q_per_channel_axis q_per_channel_scales "
        "q_per_channel_zero_points q_scale q_zero_point qint32 qint8 qscheme quantization quantize_per_channel "
        "quantize_per_tensor quantize_per_tensor_dynamic quantized_batch_norm quantized_gru quantized_gru_cell "
        "quantized_lstm quantized_lstm_cell quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d "
        "quantized_rnn_relu_cell quantized_rnn_tanh_cell quasirandom quint2x4 quint4x2 quint8 resize_as_sparse_ "
        "row_indices_copy saddmm segment_reduce set_autocast_cache_enabled set_autocast_cpu_dtype "
        "set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype "
        "set_autocast_ipu_dtype set_autocast_ipu_enabled set_autocast_xla_dtype set_autocast_xla_enabled signal "
        "slice_copy slice_inverse smm sparse_bsc sparse_bsc_tensor sparse_bsr sparse_bsr_tensor "
        "sparse_compressed_tensor sparse_csc sparse_csc_tensor sparse_csr sparse_csr_tensor sspaddmm "
        "sym_constrain_range sym_constrain_range_for_size sym_float sym_fresh_size sym_int sym_ite sym_max sym_min "
        "sym_not sym_sqrt sym_sum thread_safe_generator to_dlpack torch_version uint1 uint16 uint2 uint3 uint32 uint4 "
        "uint5 uint6 uint64 uint7 unify_type_list values_copy view_as_complex_copy view_as_real_copy wait while_loop"
    ),
    "torch.accelerator": "Graph current_device_idx empty_host_cache graphs memory set_device_idx",
    "torch.autograd": (
        "NestedIOFunction enforce_grad_layout_policy has_torch_function is_multithreading_enabled "
        "is_view_replay_enabled kineto_available profiler_legacy profiler_util set_multithreading_enabled"
    ),
    "torch.autograd.graph": (
        "TYPE_CHECKING allow_mutation_on_saved_tensors region_activation_memory_budget "
        "set_override_stale_capture_stream set_warn_on_accumulate_grad_stream_mismatch"
    ),
    "torch.autograd.profiler": (
        "EnforceUnique KinetoStepTracker MEMORY_EVENT_NAME MemRecordsAcc OUT_OF_MEMORY_EVENT_NAME emit_itt emit_nvtx "
        "load_nvprof parse_nvprof_trace perf_counter_ns warn"
    ),
    "torch.autograd.variable": "VariableMeta",
    "torch.backends": "cusparselt kleidiai mha miopen nnpack python_native quantized xeon xnnpack",
    "torch.backends.cuda": (
        "SDPAParams allow_fp16_bf16_reduction_math_sdp blas_workspace_size can_use_cudnn_attention "
        "can_use_efficient_attention can_use_flash_attention cuBLASModule cuFFTPlanCache "
        "cuFFTPlanCacheAttrContextProp cuFFTPlanCacheManager cublas_workspace_size cublaslt_workspace_size "
        "cufft_plan_cache fp16_bf16_reduction_math_sdp_allowed is_ck_sdpa_available is_flash_attention_available "
        "preferred_blas_library preferred_linalg_library preferred_rocm_fa_library sdp_kernel"
    ),
    "torch.backends.cudnn": "rnn",
    "torch.backends.mkl": "VERBOSE_OFF VERBOSE_ON verbose",
    "torch.backends.mps": "TYPE_CHECKING get_core_count get_name is_macos13_or_newer is_macos_or_newer",
    "torch.compiler": (
        "assume_constant_result compile config get_default_backend keep_portable_guards_unsafe "
        "keep_tensor_guards_unsafe list_backends load_cache_artifacts load_compiled_function nested_compile_region "
        "save_cache_artifacts set_default_backend set_enable_guard_collectives set_stance skip_all_guards_unsafe "
        "skip_guard_on_all_nn_modules_unsafe skip_guard_on_globals_unsafe skip_guard_on_inbuilt_nn_modules_unsafe "
        "substitute_in_graph wrap_numpy"
    ),
    "torch.cuda": (
        "BFloat16Storage BoolStorage ByteStorage CUDAPluggableAllocator CharStorage ComplexDoubleStorage "
        "ComplexFloatStorage CudaError DeferredCudaCallError DoubleStorage ExternalStream FloatStorage GreenContext "
        "HalfStorage IntStorage LongStorage MemPool ShortStorage TYPE_CHECKING caching_allocator_alloc "
        "caching_allocator_delete caching_allocator_disabled caching_allocator_enable change_current_allocator "
        "check_error clock_rate comm cudaStatus cudart current_blas_handle current_solver_handle device_memory_used "
        "gds get_allocator_backend get_gencode_flags get_per_process_memory_fraction get_stream_from_external "
        "get_sync_debug_mode graph graph_pool_handle graphs green_contexts has_half has_magma host_memory_stats "
        "host_memory_stats_as_nested_dict is_current_stream_capturing is_tf32_supported jiterator list_gpu_processes "
        "make_graphed_callables memory memory_snapshot memory_stats_as_nested_dict memory_summary memory_usage nccl "
        "nvtx power_draw profiler reset_accumulated_host_memory_stats reset_accumulated_memory_stats "
        "reset_max_memory_allocated reset_max_memory_cached reset_peak_host_memory_stats set_stream "
        "set_sync_debug_mode sparse streams temperature tunable use_mem_pool utilization"
    ),
    "torch.cuda.amp": "amp_definitely_not_available",
    "torch.distributed": (
        "AllToAllOptions AllreduceCoalescedOptions AllreduceOptions Backend BackendConfig BarrierOptions "
        "BroadcastOptions BuiltinCommHookType DebugLevel DeviceMesh DistBackendError DistError DistNetworkError "
        "DistStoreError FileStore GatherOptions GradBucket GroupMember GroupName HashStore Logger P2POp PrefixStore "
        "ProcessGroup ProcessGroupGloo QueueEmptyError ReduceOptions ReduceScatterOptions Reducer ScatterOptions "
        "Store TCPStore Work algorithms all_gather_coalesced all_gather_single all_reduce_coalesced all_to_all "
        "all_to_all_single argparse_util autograd batch_isend_irecv breakpoint c10d_logger checkpoint "
        "collective_utils config constants debug device_mesh distributed_c10d elastic flight_recorder fsdp "
        "gather_object get_backend_config get_debug_level get_default_backend_for_device get_global_rank "
        "get_group_rank get_node_local_rank get_pg_count get_process_group_ranks init_device_mesh irecv "
        "is_backend_available is_ucc_available is_xccl_available isend launch launcher logging_handlers "
        "monitored_barrier new_subgroups new_subgroups_by_enumeration nn optim pipelining record_comm recv "
        "recv_object_list reduce_op reduce_scatter reduce_scatter_single reduce_scatter_tensor "
        "register_rendezvous_handler remote_device rendezvous rpc run scatter_object_list send send_object_list "
        "set_debug_level set_debug_level_from_env shrink_group split_group supports_complex tensor utils"
    ),
    "torch.distributions": "constraint_registry",
    "torch.distributions.kl": "inf",
    "torch.fft": "Tensor",
    "torch.func": "debug_unwrap functionalize rearrange replace_all_batch_norm_modules_",
    "torch.functional": "TYPE_CHECKING has_torch_function has_torch_function_unary has_torch_function_variadic",
    "torch.futures": "TYPE_CHECKING",
    "torch.hub": (
        "DEFAULT_CACHE_DIR ENV_GITHUB_TOKEN ENV_TORCH_HOME ENV_XDG_CACHE_HOME MODULE_HUBCONF READ_DATA_CHUNK "
        "VAR_DEPENDENCY"
    ),
    "torch.jit": (
        "Attribute CompilationUnit Error Future ScriptFunction enable_onednn_fusion export_opnames fork freeze "
        "frontend generate_bytecode interface isinstance last_executed_optimized_graph mobile onednn_fusion_enabled "
        "optimize_for_inference quantized set_fusion_strategy strict_fusion supported_ops trace_module "
        "unsupported_tensor_ops wait"
    ),
    "torch.linalg": "ldl_factor ldl_factor_ex ldl_solve",
    "torch.mps": (
        "Event compile_shader event get_rng_state load_metallib profiler recommended_max_memory "
        "set_per_process_memory_fraction set_rng_state"
    ),
    "torch.multiprocessing": "ENV_VAR_PARALLEL_START pool queue reducer reductions",
    "torch.nn": "backends common_types cpp factory_kwargs grad intrinsic qat quantizable quantized",
    "torch.nn.attention": (
        "WARN_FOR_UNFUSED_KERNELS activate_flash_attention_impl bias current_flash_attention_impl experimental "
        "flex_attention list_flash_attention_impls register_flash_attention_impl restore_flash_attention_impl varlen "
        "warn"
    ),
    "torch.nn.functional": (
        "ScalingType SwizzleType TYPE_CHECKING Tensor assert_int_or_pair grouped_mm has_torch_function "
        "has_torch_function_unary has_torch_function_variadic scaled_grouped_mm scaled_mm"
    ),
    "torch.nn.modules": "linear_cross_entropy_options",
    "torch.nn.parallel": "comm gather parallel_apply replicate scatter",
    "torch.nn.parallel.scatter_gather": "scatter_kwargs",
    "torch.nn.parameter": "UninitializedTensorMixin",
    "torch.nn.utils": "convert_conv2d_weight_memory_format convert_conv3d_weight_memory_format",
    "torch.nn.utils.parametrize": "transfer_parametrizations_and_params",
    "torch.onnx": (
        "ExportableModule InputObserver ONNXProgram OnnxExporterError TYPE_CHECKING errors operators ops "
        "producer_name producer_version symbolic_helper symbolic_opset10 symbolic_opset11 symbolic_opset12 "
        "symbolic_opset13 symbolic_opset14 symbolic_opset15 symbolic_opset16 symbolic_opset17 symbolic_opset18 "
        "symbolic_opset19 symbolic_opset20 symbolic_opset7 symbolic_opset8 symbolic_opset9 testing utils verification"
    ),
    "torch.optim": "swap_in_optimizer_params_and_state",
    "torch.optim.lr_scheduler": "EPOCH_DEPRECATION_WARNING TYPE_CHECKING inf",
    "torch.optim.swa_utils": "TYPE_CHECKING",
    "torch.profiler": "DeviceType ExecutionTraceObserver itt profiler python_tracer",
    "torch.random": "TYPE_CHECKING thread_safe_generator",
    "torch.return_types": (
        "all_return_types aminmax_out cummax_out cummin_out frexp_out geqrf geqrf_out histogram_out kthvalue_out "
        "linalg_cholesky_ex_out linalg_eig_out linalg_eigh_out linalg_inv_ex_out linalg_ldl_factor "
        "linalg_ldl_factor_ex linalg_ldl_factor_ex_out linalg_ldl_factor_out linalg_lstsq_out linalg_lu_factor_ex_out "
        "linalg_lu_factor_out linalg_lu_out linalg_qr_out linalg_slogdet_out linalg_solve_ex_out linalg_svd_out "
        "lu_unpack_out max_out median_out min_out mode_out name nanmedian_out pytree_register_structseq qr_out "
        "slogdet_out sort_out svd_out topk_out triangular_solve_out"
    ),
    "torch.serialization": (
        "DEFAULT_PROTOCOL INT_SIZE IS_WINDOWS LONG_SIZE LoadEndianness MAGIC_NUMBER MAP_PRIVATE MAP_SHARED "
        "PROTOCOL_VERSION SHORT_SIZE STORAGE_KEY_SEPARATOR SourceChangeWarning StorageType UNSAFE_MESSAGE "
        "check_module_version_greater_or_equal default_restore_location get_crc32_options get_default_load_endianness "
        "get_default_mmap_options get_unsafe_globals_in_checkpoint location_tag mkdtemp normalize_storage_type "
        "register_package set_crc32_options set_default_load_endianness set_default_mmap_options skip_data "
        "storage_to_tensor_type validate_cuda_device validate_hpu_device"
    ),
    "torch.sparse": (
        "SparseSemiStructuredTensor SparseSemiStructuredTensorCUSPARSELT SparseSemiStructuredTensorCUTLASS "
        "TYPE_CHECKING as_sparse_gradcheck check_sparse_tensor_invariants sampled_addmm semi_structured solve spdiags "
        "spsolve to_sparse_semi_structured"
    ),
    "torch.storage": "HAS_NUMPY TYPE_CHECKING",
    "torch.testing": "FileCheck assert_allclose make_tensor",
    "torch.types": "Storage TYPE_CHECKING",
    "torch.utils": (
        "ThroughputBenchmark backcompat backend_registration benchmark bundled_inputs cmake_prefix_path collect_env "
        "cpp_backtrace cpp_extension debug_log deterministic dlpack file_baton flop_counter "
        "generate_methods_for_privateuse1_backend get_cpp_backtrace hipify jit mkldnn mobile_optimizer model_dump "
        "module_tracker rename_privateuse1_backend serialization set_module show_pickle swap_tensors "
        "throughput_benchmark viz weak"
    ),
    "torch.utils.checkpoint": (
        "CheckpointFunction CheckpointPolicy DefaultDeviceType GraphExecGroup SAC_IGNORED_OPS "
        "SelectiveCheckpointContext TYPE_CHECKING check_backward_validity create_selective_checkpoint_contexts "
        "detach_variable get_device_states noop_context_fn set_checkpoint_debug_enabled set_checkpoint_early_stop "
        "set_device_states"
    ),
    "torch.utils.data": (
        "DFIterDataPipe DataChunk IterDataPipe MapDataPipe argument_validation backward_compatibility datapipes "
        "functional_datapipe graph graph_settings guaranteed_datapipes_determinism non_deterministic "
        "runtime_validation runtime_validation_disabled"
    ),
    "torch.utils.hooks": "BackwardHook unserializable_hook warn_if_has_hooks",
    "torch.utils.model_zoo": "tqdm",
    "torch.version": "rocm",
    "torch.xpu": (
        "Event MemPool Stream StreamContext TYPE_CHECKING XPUGraph XPUPluggableAllocator byref can_device_access_peer "
        "change_current_allocator clock_rate current_device current_stream default_generators device "
        "device_memory_used device_of empty_cache get_arch_list get_device_capability get_device_name "
        "get_device_properties get_gencode_flags get_per_process_memory_fraction get_rng_state get_rng_state_all "
        "get_stream_from_external graph graph_pool_handle graphs init initial_seed is_bf16_supported "
        "is_current_stream_capturing is_initialized is_tf32_supported make_graphed_callables max_memory_allocated "
        "max_memory_reserved mem_get_info memory memory_allocated memory_reserved memory_snapshot memory_stats "
        "memory_stats_as_nested_dict memory_usage pointer power_draw random reset_accumulated_memory_stats "
        "reset_peak_memory_stats seed seed_all set_device set_per_process_memory_fraction set_rng_state "
        "set_rng_state_all set_stream stream streams synchronize temperature use_mem_pool utilization"
    ),
    "torch.Tensor": (
        "as_subclass ccol_indices chalf col_indices const_data_ptr crow_indices dense_dim dequantize geqrf grad_dtype "
        "hash_tensor index indices int_repr ipu is_coalesced mtia ormqr q_per_channel_axis q_per_channel_scales "
        "q_per_channel_zero_points q_scale q_zero_point qscheme resize_as_sparse_ row_indices slice_inverse smm "
        "sparse_dim sparse_mask sparse_resize_ sparse_resize_and_clear_ sspaddmm to_mkldnn to_padded_tensor "
        "to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr values xpu"
    ),
    "torch.nn.Module": "T_destination ipu mtia xpu",
    "torch.optim.Optimizer": "OptimizerPostHook OptimizerPreHook profile_hook_step",
}
